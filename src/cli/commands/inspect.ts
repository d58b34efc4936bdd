import type { Command } from 'commander'
import { ENGINE_NAMES, engine } from '../../boundaries/registry.ts'
import type { Finding } from '../../core/finding.ts'
import type { Console } from '../console.ts'
import { readUrl } from '../read-url.ts'
import { parseFormat, writeRows } from '../output.ts'
import type { Ending } from '../ending.ts'

export function addInspect(program: Command, console: Console, ending: Ending): void {
  program
    .command('inspect')
    .description('Report every way in which a database is wider open than its boundary promises.')
    .requiredOption('-f, --manifest <file>', 'the application’s manifest')
    .requiredOption(
      '--database <variable>',
      'env:NAME of a variable with the database’s URL, or the URL',
    )
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .addHelpText(
      'after',
      `
The exit code is 0 without findings above info, 1 with some, 2 for misuse.

Example:
  DB=postgres://admin:…@db/clinic ringfence inspect -f ringfence.yaml --database env:DB`,
    )
    .action(async (flags: { manifest: string; database: string; output: string }) => {
      const format = parseFormat(flags.output)
      const url = readUrl(flags.database, console)
      const findings: Finding[] = []
      for (const name of ENGINE_NAMES) {
        const proving = await engine(name).openProving({ manifest: flags.manifest, url })
        try {
          findings.push(...(await proving.provable.inspect()))
        } finally {
          await proving.close()
        }
      }
      ending.exitCode = findings.some(({ severity }) => severity !== 'info') ? 1 : 0
      if (format === 'table') for (const finding of findings) console.out(describe(finding))
      else
        writeRows(
          findings.map((finding) => ({ ...finding })),
          format,
          console.out,
        )
      if (findings.length === 0 && format === 'table') console.out('no findings\n')
    })
}

function describe({ severity, rule, object, explanation, fix }: Finding): string {
  const mend = fix === undefined ? '' : `\n  mend: ${fix}`
  return `${severity.toUpperCase()} ${rule} ${object}\n  ${explanation}${mend}\n`
}
