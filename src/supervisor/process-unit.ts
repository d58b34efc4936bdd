import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { RingfenceError } from '../core/errors.ts'
import { describeExit } from './describe-exit.ts'
import { splitLines } from './line-splitter.ts'
import { guardGroup, signalGroup } from './process-group.ts'
import type { Running, Unit, UnitContext } from './unit.ts'

export interface ProcessUnitOptions {
  readonly name: string
  readonly command: string
  /** Visible to everyone on the machine: no secret belongs here. */
  readonly args?: readonly string[]
  /** The whole environment. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly dependsOn?: readonly string[]
  readonly restartWith?: boolean
  readonly startWithinMs?: number
  /** Ready when a line of output matches. */
  readonly readyPattern?: RegExp
  /** Ready when it resolves to true; asked again every 50 ms. What it throws counts as false. */
  readonly readyProbe?: () => Promise<boolean>
  /** Milliseconds between SIGTERM and SIGKILL. Default 10 000. */
  readonly graceMs?: number
}

/** Tells a child that its standard input ends when its supervisor does (`endWithSupervisor`). */
export const SUPERVISED_VARIABLE = 'RINGFENCE_SUPERVISED'

const GRACE_MS = 10_000
const PROBE_EVERY_MS = 50
/** Output may still be on its way when a process has ended; a stranger may hold the pipe for ever. */
const OUTPUT_WITHIN_MS = 1_000
const REMEMBERED_LINES = 40

/**
 * A child process as a unit. It leads a process group of its own, so that a terminal's interrupt
 * goes to the supervisor alone, and everything that it started goes with it. Ready at once when
 * neither a pattern nor a probe is given.
 */
export function processUnit(options: ProcessUnitOptions): Unit {
  const { name, dependsOn, restartWith, startWithinMs } = options
  return {
    name,
    ...(dependsOn === undefined ? {} : { dependsOn }),
    ...(restartWith === undefined ? {} : { restartWith }),
    ...(startWithinMs === undefined ? {} : { startWithinMs }),
    start: (context) => startProcess(options, context),
  }
}

/** What a program said last of why it ended: a line of its own words, or the error of a stack. */
function reasonIn(lines: readonly string[]): readonly string[] {
  const line =
    lines.findLast((one) => /^ringfence: |^\w*Error\b/.test(one)) ??
    lines.findLast((one) => one.trim() !== '')
  return line === undefined ? [] : [line.replace(/^ringfence: /, '')]
}

async function startProcess(options: ProcessUnitOptions, context: UnitContext): Promise<Running> {
  const child = spawn(options.command, options.args ?? [], {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env), [SUPERVISED_VARIABLE]: 'stdin' },
    detached: true,
    stdio: 'pipe',
  })
  let matched = (): void => undefined
  const patternSeen = new Promise<void>((resolve) => {
    matched = resolve
  })
  const said: string[] = []
  const take = (line: string): void => {
    if (said.push(line) > REMEMBERED_LINES) said.shift()
    if (options.readyPattern?.test(line)) matched()
    context.log(line)
  }
  splitLines(child.stdout, take)
  splitLines(child.stderr, take)
  child.stdin.on('error', () => undefined)
  const exited = endOf(child)
  const running = runningChild(await spawned(child), exited, options.graceMs ?? GRACE_MS)
  const watching = new AbortController()
  try {
    const ready =
      options.readyProbe === undefined ? patternSeen : probe(options.readyProbe, watching.signal)
    const isWaiting = options.readyPattern !== undefined || options.readyProbe !== undefined
    await Promise.race([
      isWaiting ? ready : undefined,
      exited.then((exit) => {
        const how = `${options.name} ${describeExit(exit)} before it was ready`
        throw new RingfenceError('engine_unavailable', [how, ...reasonIn(said)].join(': '))
      }),
      aborted(context.signal),
    ])
    return running
  } catch (error) {
    await running.stop()
    throw error
  } finally {
    watching.abort()
  }
}

function runningChild(pid: number, exited: Promise<unknown>, graceMs: number): Running {
  return {
    exited,
    async stop() {
      const ended = new AbortController()
      signalGroup(pid, 'SIGTERM')
      const patience = sleep(graceMs, undefined, { signal: ended.signal }).then(
        () => signalGroup(pid, 'SIGKILL'),
        () => undefined,
      )
      await Promise.race([exited, patience])
      await exited
      ended.abort()
    },
    kill: () => signalGroup(pid, 'SIGKILL'),
  }
}

function spawned(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve(child.pid ?? 0))
  })
}

/** Resolves when the child has ended, what it had started too, and its output has been read. */
async function endOf(child: ChildProcess): Promise<unknown> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const exit = await new Promise((resolve) => {
    child.once('spawn', () => {
      const { pid } = child
      if (pid === undefined) return
      const forget = guardGroup(pid)
      child.once('exit', (code, signal) => {
        signalGroup(pid, 'SIGKILL')
        forget()
        resolve({ code, signal })
      })
    })
  })
  await Promise.race([closed, sleep(OUTPUT_WITHIN_MS, undefined, { ref: false })])
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
  return exit
}

async function probe(isReady: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (await isReady().catch(() => false)) return
    await sleep(PROBE_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const refuse = (): void => reject(new Error('stopped before it was ready'))
    if (signal.aborted) refuse()
    else signal.addEventListener('abort', refuse, { once: true })
  })
}
