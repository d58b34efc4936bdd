import { workerNumber } from '../../edge/worker.ts'

/**
 * Resolves when this process is asked to end: by SIGINT, SIGTERM or SIGHUP.
 * @param reload what SIGHUP does instead, where there is such a thing
 */
export function untilAsked(reload: () => (() => void) | undefined): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    if (workerNumber() === undefined) {
      process.once('SIGINT', () => resolve())
      process.on('SIGHUP', () => {
        const act = reload()
        if (act === undefined) resolve()
        else act()
      })
      return
    }
    // What a terminal sends to all is for the first process alone: it ends its workers in order.
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
    process.once('disconnect', () => resolve())
  })
}
