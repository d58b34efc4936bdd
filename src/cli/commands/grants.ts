import type { Command } from 'commander'
import { z } from 'zod'
import { grantUseSchema, type WireGrantUse } from '../../administration/grant-uses.ts'
import { type WireGrant, wireGrantSchema } from '../../control/api/operations/grants.ts'
import { parseGrantId } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
  wholeNumber,
} from '../control-command.ts'
import { durationSeconds } from '../duration.ts'
import type { Ending } from '../ending.ts'
import { type Columns, writeList, writeOne } from '../output.ts'

const columns: Columns<WireGrant> = (grant) => ({
  id: grant.id,
  from: grant.grantor,
  to: `${grant.subject} of ${grant.grantee}`,
  scopes: grant.scopes.join(' '),
  state: grant.state,
  expires: grant.expires,
})

const all: Columns<WireGrant> = (grant) => ({
  ...columns(grant),
  apis: grant.apis.join(' '),
  actions: grant.actions.join(' '),
  resources: grant.resources.join(' '),
  'not before': grant.not_before,
  bills: grant.bills,
  history: grant.events
    .map(({ at, what, side, by }) => `${at} ${what} by the ${side}${by === null ? '' : ` (${by})`}`)
    .join('; '),
})

const useColumns: Columns<WireGrantUse> = ({ at, token, scopes }) => ({
  at,
  token,
  scopes: scopes.join(' '),
})

interface OfferFlags extends ControlFlags {
  readonly to: string
  readonly subject: string
  readonly scope: readonly string[]
  readonly api: readonly string[]
  readonly action: readonly string[]
  readonly resource: readonly string[]
  readonly for: string
  readonly bills: string
}

/** `ringfence grants`: what a tenant lets principals of others do, as its own administrator. */
export function addGrants(program: Command, console: Console, _ending: Ending): void {
  const grants = examples(
    program
      .command('grants')
      .description(
        'What a tenant lets principals of other tenants do. Each side speaks for itself.',
      ),
    'ringfence grants list',
    'ringfence grants accept gr-0123456789abcdef0123',
  )
  examples(
    controlCommand(
      grants
        .command('offer')
        .description('Offer a principal of another tenant to do something named, for a time.')
        .requiredOption('--to <tenant>', 'whose principal it is')
        .requiredOption('--subject <subject>', 'its name in that tenant’s realm')
        .requiredOption('--api <name...>', 'APIs of one’s own')
        .option('--scope <scope...>', 'read, write', ['read'])
        .option('--action <name...>', 'policy actions', ['read'])
        .option('--resource <path...>', 'paths inside the APIs', ['/'])
        .option('--for <duration>', 'how long', '7d')
        .option('--bills <side>', 'grantor or grantee', 'grantor'),
    ),
    'ringfence grants offer --to globex --subject kim --api clinic --resource /patients --for 7d',
  ).action(async (flags: OfferFlags) => {
    const { client, format } = openControl(flags, console)
    const begins = Date.now()
    const ends = begins + durationSeconds(flags.for, '--for') * 1000
    const body = {
      grantee: parseTenantId(flags.to),
      subject: flags.subject,
      scopes: flags.scope,
      apis: flags.api,
      actions: flags.action,
      resources: flags.resource,
      not_before: new Date(begins).toISOString(),
      expires: new Date(ends).toISOString(),
      bills: flags.bills,
    }
    const offered = await client.change(
      { method: 'POST', path: '/v1/grants', body },
      wireGrantSchema,
    )
    writeOne(offered, all, format, console.out)
  })
  examples(
    controlCommand(grants.command('list').description('One’s own, given and got.')),
    'ringfence grants list -o json',
  ).action(async (flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    const { items } = await client.get('/v1/grants', z.object({ items: z.array(wireGrantSchema) }))
    writeList(items, columns, format, console.out)
  })
  examples(
    controlCommand(grants.command('get <grant>').description('One, and who agreed to it.')),
    'ringfence grants get gr-0123456789abcdef0123',
  ).action(async (id: string, flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    writeOne(
      await client.get(pathOf('grants', parseGrantId(id)), wireGrantSchema),
      all,
      format,
      console.out,
    )
  })
  examples(
    controlCommand(
      grants.command('uses <grant>').description('Tokens that came of one, the newest first.'),
    ).option('--limit <n>', 'at most so many', '50'),
    'ringfence grants uses gr-0123456789abcdef0123 --limit 500',
  ).action(async (id: string, flags: ControlFlags & { readonly limit: string }) => {
    const { client, format } = openControl(flags, console)
    const most = wholeNumber(flags.limit, '--limit')
    const path = pathOf('grants', parseGrantId(id), 'uses')
    writeList(await client.list(path, grantUseSchema, {}, most), useColumns, format, console.out)
  })
  for (const [verb, noun, description] of [
    ['accept', 'acceptance', 'Accept what is offered to the own tenant.'],
    ['refuse', 'refusal', 'Refuse what is offered to the own tenant.'],
    ['revoke', 'revocation', 'End a grant, by either side. All of it ends now.'],
  ] as const) {
    examples(
      controlCommand(grants.command(`${verb} <grant>`).description(description)),
      `ringfence grants ${verb} gr-0123456789abcdef0123`,
    ).action(async (id: string, flags: ControlFlags) => {
      const { client, format } = openControl(flags, console)
      const path = pathOf('grants', parseGrantId(id), noun)
      const decided = await client.change({ method: 'POST', path, body: {} }, wireGrantSchema)
      writeOne(decided, all, format, console.out)
    })
  }
}
