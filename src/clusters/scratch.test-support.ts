import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, realpathSync, rmSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import type { ConnectionSettings } from './cluster.ts'
import { type EmbeddedCluster, type EmbeddedOptions, startEmbedded } from './embedded-cluster.ts'
import { seedOf } from './test-seed.test-support.ts'

const cleanups = new WeakMap<TestContext, (() => unknown)[]>()

/** `t.after`, but the last one first, so that a server is stopped before its directory goes. */
function afterwards(t: TestContext, cleanup: () => unknown): void {
  const known = cleanups.get(t)
  if (known !== undefined) {
    known.push(cleanup)
    return
  }
  const stack = [cleanup]
  cleanups.set(t, stack)
  t.after(async () => {
    for (const cleanup of stack.reverse()) await cleanup()
  })
}

/** A directory of the test's own, gone after it. */
export function scratch(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'rf-test-')))
  chmodSync(path, 0o711)
  afterwards(t, () => rmSync(path, { recursive: true, force: true, maxRetries: 10 }))
  return path
}

/** `startEmbedded` with the test's defaults; the cluster is stopped before `scratch` removes it. */
export async function started(
  t: TestContext,
  options: Partial<EmbeddedOptions> & { readonly directory: string },
): Promise<EmbeddedCluster> {
  const cluster = await startEmbedded({ name: 'test', profile: 'silo', ...options })
  afterwards(t, () => cluster.stop())
  return cluster
}

/** `started` for a test that is about what comes later: the data are copied, not made. */
export async function seeded(
  t: TestContext,
  options: Partial<EmbeddedOptions> & { readonly directory: string },
): Promise<EmbeddedCluster> {
  return started(t, { ...(await seededOptions()), ...options })
}

/** What else to give to a `holder` whose data are to be copied. */
export async function seededOptions(): Promise<Partial<EmbeddedOptions>> {
  const seed = await seedOf()
  return seed === undefined ? {} : { seed }
}

/** Runs one statement on a connection of its own and returns the first row's values. */
export async function ask(settings: ConnectionSettings, sql: string): Promise<unknown[]> {
  const client = new Client(settings)
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    return rows[0] ?? []
  } finally {
    await client.end().catch(() => undefined)
  }
}

export interface Holder {
  readonly child: ChildProcess
  /** The holder's lines: `ready <postmaster pid> <socket directory>` or `refused <code> <message>`. */
  readonly next: () => Promise<string>
  readonly kill: () => Promise<void>
}

/** Another process that starts a cluster and holds it until it is killed. */
export function holder(
  t: TestContext,
  options: Partial<EmbeddedOptions> & { readonly directory: string },
  user: { readonly uid?: number; readonly gid?: number } = {},
  environment: Readonly<Record<string, string>> = {},
): Holder {
  const script = fileURLToPath(new URL('hold-cluster.test-support.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [script, JSON.stringify({ name: 'test', profile: 'silo', ...options })],
    {
      ...user,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  afterwards(t, async () => {
    child.stdin.end()
    await ended
  })
  return {
    child,
    next: async () => String((await lines.next()).value),
    kill,
  }
}

/** Mounts a small file system of its own at `path`. */
export function mountSmall(t: TestContext, path: string, mebibytes: number): void {
  assert.equal(mount(path, mebibytes), 0)
  afterwards(t, () => spawnSync('umount', [path]))
}

const mount = (path: string, mebibytes: number): number | null =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=711`, 'tmpfs', path]).status

/** Whether this user may mount: root may, except in most containers. */
export function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'rf-test-'))
  const mounted = mount(path, 1) === 0
  if (mounted) spawnSync('umount', [path])
  rmdirSync(path)
  return mounted
}
