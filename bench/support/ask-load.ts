import type { ChildProcess } from 'node:child_process'
import { answerOf } from './forked.ts'
import type { WireAnswer } from './load-process.ts'
import type { WireLoad } from './wire-load.ts'

const CONNECTIONS = 32

/** Asks a port of this machine: at a fixed rate, or without one as fast as it is answered. */
export type AskLoad = (url: string, milliseconds: number, perSecond?: number) => Promise<WireAnswer>

/** By the load's own process, one at a time. */
export function askLoad(load: ChildProcess, requests: readonly string[]): AskLoad {
  return (url, milliseconds, perSecond) => {
    const work: WireLoad = {
      port: Number(new URL(url).port),
      requests,
      connections: CONNECTIONS,
      milliseconds,
      ...(perSecond === undefined ? {} : { perSecond }),
    }
    load.send(work)
    return answerOf<WireAnswer>(load)
  }
}
