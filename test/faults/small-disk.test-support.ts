import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { mountSmall, scratch } from '../../src/clusters/scratch.test-support.ts'

const STEPS = [65_536, 4_096, 1] as const

export interface SmallDisk {
  readonly path: string
  /** To its last byte. */
  fill(): void
  /** Makes room again. */
  free(): void
}

/** A file system of so many MiB, which a test fills. Only where `canMount` says so. */
export function smallDisk(t: TestContext, mebibytes: number): SmallDisk {
  const path = join(scratch(t), 'disk')
  mkdirSync(path)
  mountSmall(t, path, mebibytes)
  const filler = join(path, 'filler')
  return {
    path,
    fill() {
      for (const bytes of STEPS) appendUntilFull(filler, bytes)
    },
    free() {
      rmSync(filler)
    },
  }
}

function appendUntilFull(path: string, bytes: number): void {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(bytes, 'x'))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}
