import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RingfenceError } from '../core/errors.ts'

export interface DirectoryLock {
  release(): void
}

/**
 * Holds a cluster's directory for this process until `release` or until the process ends, however
 * it ends: the kernel owns the lock (SQLite's, on an empty file), so a killed process leaves none.
 * `exclusive` is for running the cluster, `shared` for copying it while nobody runs it.
 * Nothing else in this process may open the lock's file: closing it would let go of the lock.
 * @throws RingfenceError `cluster_locked`; the system's error where the file cannot be made.
 */
export function lockDirectory(
  name: string,
  directory: string,
  mode: 'exclusive' | 'shared',
): DirectoryLock {
  const holderFile = join(directory, 'holder.pid')
  const announcement = join(directory, `holder.${randomUUID()}`)
  let database: DatabaseSync | undefined
  try {
    // Before the lock, because SQLite's "cannot open" does not tell a full disk from a missing right.
    if (mode === 'exclusive') writeFileSync(announcement, `${process.pid}\n`, { mode: 0o600 })
    const lock = new DatabaseSync(join(directory, 'lock'))
    database = lock
    lock.exec('PRAGMA busy_timeout = 0')
    lock.exec(mode === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN')
    if (mode === 'shared') lock.exec('SELECT 1 FROM sqlite_schema')
    else renameSync(announcement, holderFile)
    return { release: () => lock.isOpen && lock.close() }
  } catch (error) {
    database?.close()
    rmSync(announcement, { force: true })
    if (!isBusy(error)) throw error
    throw new RingfenceError(
      'cluster_locked',
      `${name} is in use by ${holder(holderFile)}: stop it first, or use another directory than ${directory}`,
      { cause: error },
    )
  }
}

const SQLITE_BUSY = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

function holder(file: string): string {
  try {
    return `process ${readFileSync(file, 'utf8').trim()}`
  } catch {
    return 'another process'
  }
}
