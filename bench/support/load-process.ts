import { type WireLoad, wireLoad } from './wire-load.ts'

export interface WireAnswer {
  readonly seconds: number
  readonly answers: number
  readonly latencies: readonly number[]
  readonly late: number
}

/** The load of a bench in a process of its own: it does what each message says, one after another. */
process.on('message', (load: WireLoad | 'begin') => {
  if (load === 'begin') return process.send?.('ready')
  return void wireLoad(load).then(
    ({ seconds, answers, latencies, late }) =>
      process.send?.({ seconds, answers, latencies: [...latencies], late } satisfies WireAnswer),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

process.once('disconnect', () => process.exit())
