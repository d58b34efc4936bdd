import type { ChildProcess } from 'node:child_process'

const children = new Set<ChildProcess>()
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Ends `child` with this process: on exit, and on a signal that would end the process by default.
 * SIGINT is what PostgreSQL takes as a fast shutdown. Only SIGKILL escapes; the next start on the
 * same directory then stops what was left.
 */
export function guardChild(child: ChildProcess): void {
  if (children.size === 0) {
    process.on('exit', endAll)
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  children.add(child)
  child.once('exit', () => {
    children.delete(child)
    if (children.size > 0) return
    process.off('exit', endAll)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  })
}

function endAll(): void {
  for (const child of children) child.kill('SIGINT')
}

function onSignal(signal: NodeJS.Signals): void {
  // Whoever else listens decides when this process ends, and stops its clusters in order.
  if (process.listenerCount(signal) > 1) return
  endAll()
  process.off(signal, onSignal)
  process.kill(process.pid, signal)
}
