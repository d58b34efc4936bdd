import type { Command } from 'commander'
import { z } from 'zod'
import { objectChangeSchema } from '../../control/api/object-schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import {
  confirm,
  controlCommand,
  examples,
  type ControlFlags,
  openControl,
  pathOf,
} from '../control-command.ts'
import { documentText } from '../output.ts'

interface RollbackFlags extends ControlFlags {
  readonly to: string
  readonly store: string
  readonly why?: string
  readonly yes?: boolean
}

const objectSchema = z.looseObject({
  generation: z.int(),
  manifest: z.looseObject({ spec: z.record(z.string(), z.unknown()) }),
})

/** `ringfence policy rollback`: a new version of a store that says what an old one said. */
export function addPolicyRollback(policy: Command, console: Console): void {
  examples(
    controlCommand(
      policy
        .command('rollback <tenant>')
        .description('Make a tenant’s store again what it was: a new version, equal to an old one.')
        .requiredOption('--to <version>', 'which version, as its history lists them')
        .option('--store <name>', 'which store', 'main')
        .option('--why <text>', 'for the record')
        .option('--yes', 'do not ask'),
    ),
    'ringfence policy rollback acme --to 7 --why "nobody could sign"',
  ).action((tenant: string, flags: RollbackFlags) => rollBack(tenant, flags, console))
}

async function rollBack(tenant: string, flags: RollbackFlags, console: Console): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(flags.to)) {
    throw new RingfenceError('invalid_argument', '--to is a version, a whole number above 0')
  }
  const { client, format } = openControl(flags, console)
  const path = pathOf('tenants', tenant, 'objects', 'policy-store', flags.store)
  const now = await client.tagged(path, objectSchema)
  const then = await client.get(path, objectSchema, { generation: flags.to })
  const what = `The policies of ${tenant} become what they were in version ${flags.to}; now it is ${now.value.generation}.`
  await confirm(console, flags, what, tenant)
  const change = await client.change(
    {
      method: 'PUT',
      path,
      body: {
        spec: then.manifest.spec,
        why: flags.why ?? `rolled back to version ${flags.to}`,
      },
      // Whoever changed it meanwhile is not undone unseen.
      ifMatch: now.tag,
    },
    objectChangeSchema,
  )
  if (format !== 'table') return console.out(documentText(change, format))
  const { generation } = change
  console.out(
    change.change === 'unchanged'
      ? `the policies of ${tenant} are those of version ${flags.to} already\n`
      : `the policies of ${tenant} are again those of version ${flags.to}; this is version ${generation}\n`,
  )
}
