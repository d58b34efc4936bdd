import type { Command } from 'commander'
import { appliedSchema, type WireApplied } from '../../control/api/object-schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { LocatedManifest } from '../../manifests/read-manifests.ts'
import type { Console } from '../console.ts'
import type { ControlClient } from '../control-client.ts'
import {
  confirm,
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  several,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { followWorkflow, type WaitFlags, waitFlags } from '../follow-workflow.ts'
import { locating, manifestsFrom } from '../manifest-input.ts'
import { changeLine } from '../object-lines.ts'
import { documentText, type OutputFormat } from '../output.ts'

export interface FileFlags extends ControlFlags {
  readonly file: readonly string[]
}

interface ApplyFlags extends FileFlags, WaitFlags {
  readonly dryRun?: boolean
  readonly prune?: boolean
  readonly set?: string
  readonly why?: string
}

/** What is asked of the control plane besides the manifests themselves. */
interface Asked {
  readonly set?: string | undefined
  readonly prune?: boolean | undefined
  readonly dry_run?: boolean | undefined
  readonly why?: string | undefined
}

/** `ringfence apply` and `ringfence delete`: make what files describe, or end it. */
export function addApply(program: Command, console: Console, ending: Ending): void {
  const apply = fileFlag(
    program
      .command('apply')
      .description('Make everything that files describe as they describe it, or nothing of it.'),
  )
    .option('--dry-run', 'say what would be, and change nothing')
    .option('--set <name>', 'they belong together from now on, as one repository’s do')
    .option('--prune', 'remove what is of the set and not in the files any more')
    .option('--why <text>', 'for the record of what was changed')
  examples(
    waitFlags(controlCommand(apply)),
    'ringfence apply -f tenants/acme/',
    'ringfence apply -f platform.yaml -f tenants/ --set clinic --prune --dry-run',
    'cat acme.yaml | ringfence apply -f - --wait',
  ).action(async (flags: ApplyFlags) => {
    if (flags.prune === true && flags.set === undefined) {
      throw new RingfenceError('invalid_argument', '--prune needs --set: only a set is pruned')
    }
    const { client, format } = openControl(flags, console)
    const manifests = manifestsFrom(flags.file, console)
    const { set, prune, why, dryRun } = flags
    const asked = { set, prune, why, ...(dryRun === true ? { dry_run: true } : {}) }
    const applied = await applyManifests(client, manifests, asked, console)
    writeApplied(applied, format, console)
    if (flags.wait !== true) return
    for (const { workflow } of applied.changes) {
      if (workflow === null) continue
      const { state, tenant, error } = await followWorkflow(client, workflow, console, flags)
      if (state === 'succeeded') continue
      console.err(`tenant/${tenant}: onboarding ${state}: ${error ?? ''}\n`)
      ending.exitCode = 1
    }
  })
  addDelete(program, console)
}

function addDelete(program: Command, console: Console): void {
  const remove = fileFlag(
    program
      .command('delete')
      .description('Remove everything that files describe, or nothing of it.'),
  )
    .option('--why <text>', 'for the record of what was changed')
    .option('--yes', 'do not ask')
  examples(
    controlCommand(remove),
    'ringfence delete -f guardrail.yaml',
    'ringfence delete -f tenants/acme/ --yes --why "moved to their own repository"',
  ).action(async (flags: FileFlags & { readonly why?: string; readonly yes?: boolean }) => {
    const { client, format } = openControl(flags, console)
    const manifests = manifestsFrom(flags.file, console)
    const things = manifests.map(({ manifest: { kind, metadata } }) => ({ kind, ...metadata }))
    await confirm(console, flags, `This removes ${things.length} objects.`, 'delete')
    const body = { objects: [], remove: things, ...(flags.why ? { why: flags.why } : {}) }
    const change = { method: 'POST', path: '/v1/apply', body } as const
    writeApplied(await client.change(change, appliedSchema), format, console)
  })
}

function writeApplied(applied: WireApplied, format: OutputFormat, console: Console): void {
  if (format !== 'table') return console.out(documentText(applied, format))
  for (const change of applied.changes) console.out(changeLine(change, applied.dry_run))
}

export function fileFlag(command: Command): Command {
  return command.requiredOption(
    '-f, --file <path>',
    'a file, a directory, or - for standard input; may be given several times',
    several,
  )
}

/** Has the control plane make it so, or say what it would make. */
export function applyManifests(
  client: ControlClient,
  manifests: readonly LocatedManifest[],
  asked: Asked,
  console: Console,
) {
  const objects = manifests.map(({ manifest }) => manifest)
  const change = { method: 'POST', path: '/v1/apply', body: { objects, ...asked } } as const
  return locating(manifests, console, () => client.change(change, appliedSchema))
}
