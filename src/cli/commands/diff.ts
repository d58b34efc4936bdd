import type { Command } from 'commander'
import { driftSchema, type WireDrift } from '../../control/api/object-schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  several,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { manifestsFrom } from '../manifest-input.ts'
import { changeLine, diffLines } from '../object-lines.ts'
import { documentText } from '../output.ts'
import { applyManifests } from './apply.ts'

interface DiffFlags extends ControlFlags {
  readonly file?: readonly string[]
  readonly live?: boolean
  readonly set?: string
  readonly prune?: boolean
}

/** `ringfence diff`: what applying would change, or where what is in force is not what was applied. */
export function addDiff(program: Command, console: Console, ending: Ending): void {
  const diff = program
    .command('diff')
    .description('Compare files with what is declared, or that with what is in force.')
    .option('-f, --file <path>', 'a file, a directory, or -; may be given several times', several)
    .option('--set <name>', 'with --prune: also what would be removed')
    .option('--prune', 'with --set: as apply would')
    .option('--live', 'compare what was declared with the signed configuration in force')
  examples(
    controlCommand(diff),
    'ringfence diff -f tenants/acme/',
    'ringfence diff --live && echo no drift',
  )
    .addHelpText('after', '\nExit code 0: no difference. 1: there are some. 2: trouble.')
    .action(async (flags: DiffFlags) => {
      const { file, live, set, prune } = flags
      if ((file === undefined) === (live !== true)) {
        throw new RingfenceError('invalid_argument', 'compare -f with what is declared, or --live')
      }
      const { client, format } = openControl(flags, console)
      if (file === undefined) {
        const drift = await client.get('/v1/drift', driftSchema)
        if (format === 'table') writeDrift(drift, console)
        else console.out(documentText(drift, format))
        ending.exitCode = drift.refusal === null && drift.entries.length === 0 ? 0 : 1
        return
      }
      const manifests = manifestsFrom(file, console)
      const asked = { set, prune, dry_run: true }
      const { changes } = await applyManifests(client, manifests, asked, console)
      const different = changes.filter(({ change }) => change !== 'unchanged' && change !== 'kept')
      if (format === 'table') {
        for (const one of different) console.out(changeLine(one, false) + diffLines(one.diff))
      } else console.out(documentText(different, format))
      if (different.length > 0) ending.exitCode = 1
    })
}

function writeDrift({ version, refusal, entries }: WireDrift, console: Console): void {
  if (refusal !== null) console.out(`version ${version}: ${refusal}\n`)
  for (const { tenant, diff } of entries) {
    console.out(`${tenant === null ? 'platform' : `tenant/${tenant}`} drifted\n${diffLines(diff)}`)
  }
}
