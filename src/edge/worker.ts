import cluster from 'node:cluster'
import { RingfenceError } from '../core/errors.ts'
import { REPLACEMENT_VARIABLE, WORKER_VARIABLE } from './workers.ts'

/** For the primary to answer. Milliseconds. */
const ANSWER_MS = 2_000

/** This process's number among the workers of its primary; undefined when it is none. */
export function workerNumber(): number | undefined {
  const number = Number(process.env[WORKER_VARIABLE])
  return cluster.isWorker && Number.isInteger(number) && number > 0 ? number : undefined
}

/** Whether it takes the place of one that still serves. */
export function isReplacement(): boolean {
  return process.env[REPLACEMENT_VARIABLE] === '1'
}

/** Tells the primary that connections may come. @param url where it listens */
export function tellReady(url: string): void {
  process.send?.({ url })
}

const asked = new Map<number, (answer: unknown) => void>()
let last = 0
let isListening = false

/**
 * Asks what only one process can know for all of them.
 * @throws RingfenceError `timed_out`
 */
export async function askPrimary(question: unknown): Promise<unknown> {
  if (!isListening) {
    isListening = true
    process.on('message', (message: unknown) => {
      if (typeof message !== 'object' || message === null || !('id' in message)) return
      if ('answer' in message) asked.get(Number(message.id))?.(message.answer)
    })
  }
  last += 1
  const id = last
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  asked.set(id, resolve)
  const tooLate = setTimeout(
    () => reject(new RingfenceError('timed_out', 'the first process does not answer')),
    ANSWER_MS,
  )
  try {
    process.send?.({ id, question })
    return await promise
  } finally {
    clearTimeout(tooLate)
    asked.delete(id)
  }
}
