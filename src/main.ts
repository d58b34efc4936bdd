import { PROCESS_CONSOLE } from './cli/console.ts'
import { runCommandLine } from './cli/program.ts'

/** As a shell tells of a program that wrote to nobody: 128 and the number of SIGPIPE. */
const WROTE_TO_NOBODY = 141

// Whoever reads what is written may have enough of it, as `head` has: that is no trouble to tell of.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(WROTE_TO_NOBODY)
})

process.exitCode = await runCommandLine(process.argv.slice(2), PROCESS_CONSOLE)
