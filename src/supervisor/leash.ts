import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * A program, not a module: `node leash.ts COMMAND ARGS…` runs a command that knows nothing of
 * supervisors, and ends it when the supervisor is gone, even by SIGKILL: our standard input, which the
 * supervisor holds, then ends. It leads the process group in which the command runs.
 */

const GRACE_MS = 10_000

const [command = '', ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })

// Who signals the group signals the command itself; we stay until it has ended.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

process.stdin.on('error', () => undefined)
process.stdin.on('close', () => {
  process.kill(-process.pid, 'SIGTERM')
  setTimeout(() => process.kill(-process.pid, 'SIGKILL'), GRACE_MS)
})
process.stdin.resume()

child.once('error', (error) => {
  process.stderr.write(`${command} cannot be run: ${error.message}\n`)
  process.exit(127)
})
child.once('exit', (code, signal) => {
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
})
