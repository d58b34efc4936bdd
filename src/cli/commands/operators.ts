import type { Command } from 'commander'
import type { z } from 'zod'
import { newOperatorSchema, operatorSchema } from '../../control/api/schemas.ts'
import type { Console } from '../console.ts'
import {
  confirm,
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
  several,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { durationSeconds } from '../duration.ts'
import { type Columns, writeList, writeOne } from '../output.ts'
import { addPeople } from './people.ts'

const columns: Columns<z.infer<typeof operatorSchema>> = (operator) => ({
  name: operator.name,
  owner: operator.owner,
  tenant: operator.tenant,
  scopes: operator.scopes.join(' '),
  created: operator.created_at,
  used: operator.last_used_at,
  expires: operator.expires_at,
  revoked: operator.revoked_at,
})

interface CreateFlags extends ControlFlags {
  readonly scope: readonly string[]
  readonly for?: string
  readonly tenant?: string
}

/** `ringfence operators`: people, and tokens for what works without one. */
export function addOperators(program: Command, console: Console, _ending: Ending): void {
  const operators = examples(
    program.command('operators').description('Who may use the control API: people and tokens.'),
    'ringfence operators invite jane@example.com --name "Jane" --role operator',
    'ringfence operators create ci --scope tenants:read --for 90d',
    'ringfence operators revoke ci',
  )
  addPeople(operators, console)
  examples(
    controlCommand(operators.command('tokens').description('All tokens, also ended ones.')),
    'ringfence operators tokens',
  ).action(async (flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    writeList(await client.list('/v1/operators', operatorSchema), columns, format, console.out)
  })
  const create = operators
    .command('create <name>')
    .description(
      'Make a token for automation. It is written once, to standard output, and is yours.',
    )
    .requiredOption('--scope <scope>', 'such as tenants:read; may be given several times', several)
    .option('--for <duration>', 'how long the token is good for: 12h, 90d')
    .option('--tenant <tenant>', 'for its administrators: it reaches this tenant’s own and no more')
  examples(
    controlCommand(create),
    'ringfence operators create ci --scope tenants:read --scope tenants:write --for 90d',
    'ringfence operators create ci --scope tenants:read -o json | jq -r .token',
    'ringfence operators create acme-ci --tenant acme --scope configuration:read --scope configuration:write --for 90d',
  ).action(async (name: string, flags: CreateFlags) => {
    const { client, format } = openControl(flags, console)
    const seconds = flags.for === undefined ? undefined : durationSeconds(flags.for, '--for')
    const body = {
      name,
      scopes: flags.scope,
      ...(seconds === undefined ? {} : { seconds }),
      ...(flags.tenant === undefined ? {} : { tenant: flags.tenant }),
    }
    const change = { method: 'POST', path: '/v1/operators', body } as const
    const made = await client.change(change, newOperatorSchema)
    const all = () => ({ ...columns(made.operator), token: made.token })
    writeOne(made, all, format, console.out)
    console.err('The token is shown this once: keep it now.\n')
  })
  const revoke = operators
    .command('revoke <name>')
    .description('End a token now. Its name is never used again.')
    .option('--yes', 'do not ask')
  examples(controlCommand(revoke), 'ringfence operators revoke ci --yes').action(
    async (name: string, flags: ControlFlags & { yes?: boolean }) => {
      const { client, format } = openControl(flags, console)
      await confirm(console, flags, `This ends the token of ${name} for good.`, name)
      const path = pathOf('operators', name)
      const ended = await client.change({ method: 'DELETE', path }, operatorSchema)
      writeOne(ended, columns, format, console.out)
    },
  )
}
