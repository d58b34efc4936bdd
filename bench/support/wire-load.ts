import { connect, type Socket } from 'node:net'
import { constants, getPriority, setPriority } from 'node:os'

/** A load on one address: requests as bytes, over connections that are kept. */
export interface WireLoad {
  readonly port: number
  /** Sent in turn. Without bodies. */
  readonly requests: readonly string[]
  readonly connections: number
  readonly milliseconds: number
  /** Requests a second that are begun whatever the answers do. Default: as many as there are answers. */
  readonly perSecond?: number
}

export interface WireResult {
  readonly seconds: number
  readonly answers: number
  /** Milliseconds, each from when the request was due. */
  readonly latencies: Float64Array
  /** Requests that were begun late because the load itself stood still: they came in a crowd. */
  readonly late: number
}

/** Node's timers fire up to a millisecond late; that is the measuring program's, not the system's. */
const TIMER_GRAIN_MS = 1.2
/** Later than this a request is not begun by any timer. */
const LATE_MS = 3
const OK = Buffer.from('HTTP/1.1 200 ')
const END_OF_HEAD = Buffer.from('\r\n\r\n')
const LENGTH = /^content-length: *(\d+)\r?$/im

/**
 * Asks over bare sockets, so that on two cores the measuring takes as little as it can from what is
 * measured. @throws Error for any other status than 200: a bench of refusals measures nothing
 */
export async function wireLoad(load: WireLoad): Promise<WireResult> {
  const lines = await Promise.all(Array.from({ length: load.connections }, () => open(load.port)))
  try {
    if (load.perSecond === undefined) return await closed(lines, load)
    return await first(() => paced(lines, load, load.perSecond ?? 1))
  } finally {
    for (const line of lines) line.socket.destroy()
  }
}

/**
 * Before other processes, where that is allowed: a load that waits for a core begins its requests late
 * and all at once, and what is measured then is how long a crowd takes. It needs a small part of a core.
 */
async function first<T>(work: () => Promise<T>): Promise<T> {
  const usual = getPriority()
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    return work()
  }
  try {
    return await work()
  } finally {
    setPriority(usual)
  }
}

async function closed(lines: readonly Line[], { requests, milliseconds }: WireLoad) {
  const latencies: number[] = []
  let next = 0
  const began = performance.now()
  const end = began + milliseconds
  await Promise.all(
    lines.map(
      (line) =>
        new Promise<void>((resolve, reject) => {
          const ask = () => {
            const at = performance.now()
            if (at >= end) return resolve()
            const request = requests[next++ % requests.length] ?? ''
            line.ask(request, (error) => {
              if (error !== undefined) return reject(error)
              latencies.push(performance.now() - at)
              ask()
            })
          }
          ask()
        }),
    ),
  )
  return resultOf(began, latencies, 0)
}

async function paced(lines: readonly Line[], load: WireLoad, perSecond: number) {
  const { requests, milliseconds } = load
  const latencies: number[] = []
  const idle = [...lines]
  const waiting: number[] = []
  const gap = 1000 / perSecond
  const total = Math.floor(milliseconds / gap)
  const began = performance.now()
  let begun = 0
  let late = 0
  const failures: Error[] = []
  let done: (() => void) | undefined
  const begin = (line: Line, due: number) =>
    line.ask(requests[begun++ % requests.length] ?? '', (error) => {
      if (error !== undefined) failures.push(error)
      latencies.push(performance.now() - due)
      const waited = waiting.shift()
      if (waited === undefined) idle.push(line)
      else begin(line, waited)
      if (latencies.length === total) done?.()
    })
  const finished = new Promise<void>((resolve) => {
    done = resolve
  })
  for (let n = 0; n < total && failures.length === 0; ) {
    const now = performance.now()
    for (; n < total && began + n * gap <= now; n += 1) {
      const due = Math.max(began + n * gap, now - TIMER_GRAIN_MS)
      if (now - (began + n * gap) > LATE_MS) late += 1
      const line = idle.pop()
      if (line === undefined) waiting.push(due)
      else begin(line, due)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  if (failures.length === 0) await finished
  for (const failure of failures) throw failure
  return resultOf(began, latencies, late)
}

function resultOf(began: number, latencies: readonly number[], late: number): WireResult {
  const seconds = (performance.now() - began) / 1000
  return { seconds, answers: latencies.length, latencies: Float64Array.from(latencies), late }
}

interface Line {
  readonly socket: Socket
  ask(request: string, answered: (error?: Error) => void): void
}

function open(port: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let answered: ((error?: Error) => void) | undefined
    let rest: Buffer | undefined
    const fail = (why: string) => {
      const tell = answered
      answered = undefined
      tell?.(new Error(why))
    }
    socket.on('data', (chunk: Buffer) => {
      rest = rest === undefined ? chunk : Buffer.concat([rest, chunk])
      const bytes = bytesOf(rest)
      if (bytes === undefined || rest.length < bytes) return
      if (!rest.subarray(0, OK.length).equals(OK)) return fail(rest.toString())
      rest = undefined
      const tell = answered
      answered = undefined
      tell?.()
    })
    socket.once('error', reject)
    socket.once('close', () => fail('a connection was closed'))
    socket.once('connect', () =>
      resolve({
        socket,
        ask(request, tell) {
          answered = tell
          socket.write(request, 'latin1')
        },
      }),
    )
  })
}

/** How long the whole answer is, once its head is there. Undefined until then. */
function bytesOf(text: Buffer): number | undefined {
  const head = text.indexOf(END_OF_HEAD)
  if (head === -1) return undefined
  const length = LENGTH.exec(text.subarray(0, head + 2).toString('latin1'))?.[1]
  // The end of a chunked answer of the bench's own small size.
  if (length === undefined) {
    return text.subarray(-5).equals(LAST_CHUNK) ? text.length : undefined
  }
  return head + END_OF_HEAD.length + Number(length)
}
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
