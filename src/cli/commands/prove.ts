import { type Command, InvalidArgumentError } from 'commander'
import { join } from 'node:path'
import { RingfenceError } from '../../core/errors.ts'
import { parseTier, type Tier } from '../../core/tenant.ts'
import { renderTerminal } from '../../proof/report-terminal.ts'
import { terminalProgress } from '../../proof/terminal-progress.ts'
import { terminalStyle } from '../../proof/terminal-style.ts'
import { type Console, terminalOf } from '../console.ts'
import { readUrl } from '../read-url.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'
import { TOOL_VERSION } from '../tool-version.ts'

interface ProveFlags {
  manifest: string
  database?: string
  tier?: Tier[]
  tenants?: number
  mutants: boolean
  thorough?: boolean
  only?: string[]
  concurrency?: number
  out?: string
  state: string
  output: string
}

export function addProve(program: Command, console: Console, ending: Ending): void {
  program
    .command('prove')
    .description(
      'Attack throw-away copies of an application’s schema, weaken them, and sign what was seen.',
    )
    .requiredOption('-f, --manifest <file>', 'the application’s manifest')
    .option(
      '--database <url>',
      'run on this server instead, as an administrator; env:NAME reads a variable',
    )
    .option('--tier <tier...>', 'pooled, bridge, silo (default: all)', collectTier)
    .option('--tenants <n>', 'tenants in each rehearsal, 3 to 16 (default: 3)', wholeNumber)
    .option('--no-mutants', 'leave out the mutants, and so the proof that the proof can fail')
    .option('--thorough', 'try every attack on every mutant')
    .option('--only <id...>', 'narrow the run to these attacks and mutants')
    .option('--concurrency <n>', 'rehearsals side by side (default: 3)', wholeNumber)
    .option('--out <directory>', 'where the reports go (default: <state>/proof)')
    .option('--state <directory>', 'where the evidence key is kept', STATE_DIRECTORY_DEFAULT)
    .option('-o, --output <format>', 'text or json', 'text')
    .addHelpText(
      'after',
      `
The exit code is 0 proven, 1 a leak or a mutant that nobody noticed, 2 void or misuse.

Examples:
  ringfence prove -f examples/clinic/ringfence.yaml
  ringfence prove -f ringfence.yaml --tier pooled --only pg-force-off
  DB=postgres://admin:…@db/clinic ringfence prove -f ringfence.yaml --database env:DB`,
    )
    .action(async (flags: ProveFlags) => {
      if (flags.output !== 'text' && flags.output !== 'json') {
        throw new RingfenceError('invalid_argument', '-o is text or json')
      }
      const interrupted = new AbortController()
      const interrupt = () => interrupted.abort()
      process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
      // Progress goes to standard error, so that standard output is the result alone.
      const terminal = terminalOf(console)
      const style = terminalStyle(terminal, console.environment)
      const progress = terminalProgress(terminal, style)
      try {
        // Loaded here: whoever asks for another command does not wait for all attacks and mutants.
        const { prove } = await import('../../platform/prove.ts')
        const { report, paths } = await prove({
          manifest: flags.manifest,
          toolVersion: TOOL_VERSION,
          outDirectory: flags.out ?? join(flags.state, 'proof'),
          keyDirectory: join(flags.state, 'evidence'),
          mutants: flags.mutants,
          signal: interrupted.signal,
          onProgress: progress.onProgress,
          ...optional(
            'url',
            flags.database === undefined ? undefined : readUrl(flags.database, console),
          ),
          ...optional('tiers', flags.tier),
          ...optional('tenants', flags.tenants),
          ...optional('thorough', flags.thorough),
          ...optional('only', flags.only),
          ...optional('concurrency', flags.concurrency),
        })
        progress.end()
        ending.exitCode = report.exitCode
        if (flags.output === 'json') console.out(`${JSON.stringify(report, null, 2)}\n`)
        else
          console.out(
            `${renderTerminal(report, style)}\nreports: ${paths.html}\nevidence: ${paths.evidence}\n`,
          )
      } finally {
        progress.end()
        process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
      }
    })
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })
}

function collectTier(value: string, before: Tier[] = []): Tier[] {
  return [...before, parseTier(value)]
}

function wholeNumber(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(value)
}
