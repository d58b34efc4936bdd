import { execFile } from 'node:child_process'
import { readFile, readdir, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { RingfenceError } from '../core/errors.ts'
import { readState } from './state-file.ts'

/** How the server is asked to end, and for how long each is waited for. */
const STEPS = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 10_000],
  ['SIGKILL', 10_000],
] as const

/**
 * Ends the server processes that outlived the process that had started them, and removes their pid
 * file. The caller holds the cluster's lock, so they are nobody's. Returns how many it found.
 * @throws RingfenceError `cluster_locked` when one does not end
 */
export async function stopLeftovers(name: string, data: string): Promise<number> {
  const pidFile = join(data, 'postmaster.pid')
  const text = await readState(pidFile)
  if (text === undefined) return 0
  const found = await serversOn(data, Number(text.split('\n')[0]))
  let alive = found
  for (const [signal, patienceMs] of STEPS) {
    for (const pid of alive) send(pid, signal)
    for (let waited = 0; alive.length > 0 && waited < patienceMs; waited += 20) {
      await sleep(20)
      alive = alive.filter((pid) => send(pid, 0))
    }
  }
  if (alive.length > 0) {
    throw new RingfenceError(
      'cluster_locked',
      `process ${alive.join(', ')} still serves cluster ${name} and does not end: end it and start again`,
    )
  }
  // Its pid may belong to another process by now, which would make the server refuse to start.
  await rm(pidFile, { force: true })
  return found.length
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The ids of the server's processes on a data directory: those that work in it, or name it. */
async function serversOn(data: string, postmaster: number): Promise<readonly number[]> {
  if (process.platform !== 'linux') return (await namesIt(postmaster, data)) ? [postmaster] : []
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')
    const [program = '', ...args] = command.split('\0')
    if (!/(^|\/)postgres(:|$)/.test(program)) continue
    // The working directory is hidden from a root without SYS_PTRACE, arguments never are.
    const cwd = await readlink(`/proc/${entry}/cwd`).catch(() => undefined)
    if (cwd === data || args.includes(data)) found.push(Number(entry))
  }
  return found
}

async function namesIt(pid: number, data: string): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false
  const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(
    () => ({ stdout: '' }),
  )
  return stdout.includes(data)
}
