import { setTimeout as wait } from 'node:timers/promises'
import { Http2Caller } from './http2-caller.test-support.ts'

const CALLERS = 4

/** Callers by HTTP/2 that call again and again while something happens. Returns what came of it. */
export async function callsMeanwhile(
  open: () => Http2Caller,
  act: () => Promise<void>,
): Promise<{
  readonly outcomes: ReadonlyMap<string, number>
  readonly callers: readonly Http2Caller[]
}> {
  const over = new AbortController()
  const outcomes = new Map<string, number>()
  const note = (what: string) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
  const callers = Array.from({ length: CALLERS }, open)
  // Two requests at once on each connection.
  const calling = [...callers, ...callers].map(async (caller) => {
    while (!over.signal.aborted) {
      await caller.get('/x').then(
        (status) => note(String(status)),
        (error) => note(String(error)),
      )
      await wait(2)
    }
  })
  try {
    await act()
  } finally {
    over.abort()
    await Promise.all(calling)
    for (const caller of callers) caller.close()
  }
  return { outcomes, callers }
}
