import { SUPERVISED_VARIABLE } from './process-unit.ts'

/**
 * For a program that a `processUnit` starts: ends this process as SIGTERM would when its supervisor
 * is gone, even by SIGKILL. Does nothing in a process that was started otherwise.
 */
export function endWithSupervisor(): void {
  if (process.env[SUPERVISED_VARIABLE] !== 'stdin') return
  process.stdin.on('error', () => undefined)
  process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'))
  process.stdin.resume()
  if ('unref' in process.stdin) process.stdin.unref()
}
