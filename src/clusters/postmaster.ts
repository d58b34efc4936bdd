import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RingfenceError } from '../core/errors.ts'
import { guardChild } from './orphan-guard.ts'
import { TOOL_ENVIRONMENT } from './run-tool.ts'
import type { ServerBinaries } from './server-binaries.ts'
import type { ServerLog } from './server-log.ts'
import type { ServerUser } from './server-user.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The server's first process. */
export interface Postmaster {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** A fast shutdown; after 30 s an immediate one, after 10 s more a kill. Waits for the end. */
  stop(): Promise<void>
}

/** Long enough to replay the largest write-ahead log that the settings keep. */
const READY_WITHIN_MS = 120_000
const STOP_STEPS = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 10_000],
  ['SIGKILL', undefined],
] as const

/**
 * Starts the server and returns when it takes connections.
 * @throws Error with the server's last words when it ends instead; RingfenceError `timed_out`
 */
export async function startPostmaster(
  name: string,
  data: string,
  binaries: ServerBinaries,
  user: ServerUser,
  log: ServerLog,
): Promise<Postmaster> {
  const child = spawn(join(binaries.directory, 'postgres'), ['-D', data], {
    ...user.spawn,
    cwd: '/',
    env: TOOL_ENVIRONMENT,
    // Of its own process group: an interrupt from the terminal must not stop it before its clients.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  log.follow(child.stderr)
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const pid = await started(child)
  guardChild(child)
  const postmaster = { pid, exited, stop: () => stop(child, exited) }
  try {
    await untilReady(name, data, pid, child, log)
  } catch (error) {
    await postmaster.stop()
    throw error
  }
  return postmaster
}

function started(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve(child.pid ?? 0))
  })
}

/** The server writes its state into the eighth line of its pid file, as pg_ctl reads it. */
async function untilReady(
  name: string,
  data: string,
  pid: number,
  child: ChildProcess,
  log: ServerLog,
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  let ended = false
  child.once('close', () => {
    ended = true
  })
  for (;;) {
    const lines = await readFile(join(data, 'postmaster.pid'), 'utf8').then(
      (text) => text.split('\n'),
      () => [],
    )
    if (Number(lines[0]) === pid && lines[7]?.trim() === 'ready') return
    if (ended) throw new Error(log.tail() || `the server ended with code ${child.exitCode}`)
    if (Date.now() > deadline) {
      throw new RingfenceError(
        'timed_out',
        `the server of cluster ${name} was not ready after ${READY_WITHIN_MS / 1000} s`,
        { detail: log.tail() },
      )
    }
    await sleep(5)
  }
}

async function stop(child: ChildProcess, exited: Promise<Exit>): Promise<void> {
  for (const [signal, patienceMs] of STOP_STEPS) {
    if (child.exitCode !== null || child.signalCode !== null) break
    child.kill(signal)
    if (patienceMs === undefined) break
    const patience = new AbortController()
    await Promise.race([
      exited,
      sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined),
    ])
    patience.abort()
  }
  await exited
}
