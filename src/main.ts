import { PROCESS_CONSOLE } from './cli/console.ts'
import { runCommandLine } from './cli/program.ts'

process.exitCode = await runCommandLine(process.argv.slice(2), PROCESS_CONSOLE)
