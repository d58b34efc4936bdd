import type { Command } from 'commander'
import { ENGINE_NAMES, engine } from '../../boundaries/registry.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { inspectPlatform } from '../../platform/inspect-platform.ts'
import type { Console } from '../console.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'
import { parseFormat, writeRows } from '../output.ts'
import { readUrl } from '../read-url.ts'

interface InspectFlags {
  manifest?: string
  database?: string
  state: string
  output: string
}

export function addInspect(program: Command, console: Console, ending: Ending): void {
  program
    .command('inspect')
    .description('Report every way in which the engines are wider open than the boundary promises.')
    .option('-f, --manifest <file>', 'the application’s manifest, with --database')
    .option('--database <url>', 'inspect this database; env:NAME reads a variable')
    .option(
      '--state <directory>',
      'else: the running platform’s state directory',
      STATE_DIRECTORY_DEFAULT,
    )
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .addHelpText(
      'after',
      `
The exit code is 0 without findings above info, 1 with some, 2 for misuse.

Examples:
  ringfence inspect                                  all cells of the platform that runs here
  DB=postgres://admin:…@db/clinic ringfence inspect -f ringfence.yaml --database env:DB`,
    )
    .action(async (flags: InspectFlags) => {
      const format = parseFormat(flags.output)
      const findings =
        flags.database === undefined
          ? await inspectPlatform(flags.state)
          : await findingsOf(readUrl(flags.database, console), flags.manifest)
      ending.exitCode = findings.some(({ severity }) => severity !== 'info') ? 1 : 0
      if (format !== 'table')
        writeRows(
          findings.map((one) => ({ ...one })),
          format,
          console.out,
        )
      else console.out(findings.map(describe).join('') || 'no findings\n')
    })
}

async function findingsOf(url: string, manifest: string | undefined): Promise<readonly Finding[]> {
  if (manifest === undefined) {
    throw new RingfenceError('invalid_argument', '--database needs --manifest')
  }
  const findings: Finding[] = []
  for (const name of ENGINE_NAMES) {
    const proving = await engine(name).openProving({ manifest, url })
    try {
      findings.push(...(await proving.provable.inspect()))
    } finally {
      await proving.close()
    }
  }
  return findings
}

function describe({ severity, rule, object, explanation, fix }: Finding): string {
  const mend = fix === undefined ? '' : `\n  mend: ${fix}`
  return `${severity.toUpperCase()} ${rule} ${object}\n  ${explanation}${mend}\n`
}
