import type { Command } from 'commander'
import {
  statusChangeSchema,
  tenantSchema,
  type WireTenant,
  workflowSchema,
} from '../../control/api/schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
  several,
  wholeNumber,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { reportWorkflow, type WaitFlags, waitFlags } from '../follow-workflow.ts'
import { type Columns, writeList, writeOne } from '../output.ts'
import { addTenantActs } from './tenant-acts.ts'

const columns: Columns<WireTenant> = (tenant) => ({
  id: tenant.id,
  status: tenant.status,
  tier: tenant.tier,
  region: tenant.region,
  cell: tenant.cell,
  plan: tenant.plan,
  failed: tenant.failure === null ? null : `${tenant.failure.step}: ${tenant.failure.why}`,
})

const details: Columns<WireTenant> = (tenant) => ({
  ...columns(tenant),
  name: tenant.display_name,
  hosts: tenant.hosts.join(' '),
  issuer: tenant.issuer,
  'legal hold': tenant.legal_hold ? 'yes' : 'no',
  created: tenant.created_at,
  changed: tenant.changed_at,
})

interface CreateFlags extends ControlFlags, WaitFlags {
  readonly name?: string
  readonly tier: string
  readonly region: string
  readonly plan: string
  readonly host?: readonly string[]
}

interface UpdateFlags extends ControlFlags {
  readonly name?: string
  readonly plan?: string
  readonly host?: readonly string[]
  readonly legalHold?: string
}

/** `ringfence tenants`: what there is, and what is done to it. */
export function addTenants(program: Command, console: Console, ending: Ending): void {
  const tenants = examples(
    program.command('tenants').description('Tenants and their lifecycle.'),
    'ringfence tenants create acme --region eu-west --name "Acme Clinic" --wait',
    'ringfence tenants list --status active',
    'ringfence tenants move acme --to silo --wait',
    'ringfence tenants delete acme --purge --yes --wait',
  )
  addCreate(tenants, console, ending)
  addReading(tenants, console)
  addUpdate(tenants, console)
  addTenantActs(tenants, console, ending)
}

function addCreate(tenants: Command, console: Console, ending: Ending): void {
  const create = tenants
    .command('create <tenant>')
    .description('Ask for a tenant, and start its onboarding.')
    .requiredOption('--region <region>', 'where its data must stay')
    .option('--tier <tier>', 'pooled, bridge or silo', 'pooled')
    .option('--plan <plan>', 'what it has bought', 'standard')
    .option('--name <text>', 'what people call it; the id, when not given')
    .option('--host <name>', 'a host name of its own; may be given several times', several)
  examples(
    waitFlags(controlCommand(create)),
    'ringfence tenants create acme --region eu-west --wait',
    'ringfence tenants create acme --region eu-west --tier silo --plan regulated --host app.acme.example',
  ).action(async (id: string, flags: CreateFlags) => {
    const { client, format } = openControl(flags, console)
    const body = {
      id,
      display_name: flags.name ?? id,
      tier: flags.tier,
      region: flags.region,
      plan: flags.plan,
      ...(flags.host === undefined ? {} : { hosts: flags.host }),
    }
    const change = { method: 'POST', path: '/v1/tenants', body } as const
    const workflow = await client.change(change, workflowSchema)
    await reportWorkflow(workflow, { client, console, ending, flags, format })
  })
}

function addReading(tenants: Command, console: Console): void {
  const list = tenants
    .command('list')
    .description('All tenants, also those that are gone.')
    .option('--status <status>', 'only those of a status')
    .option('--region <region>', 'only those of a region')
    .option('--tier <tier>', 'only those of a tier')
    .option('--limit <n>', 'at most so many')
  examples(
    controlCommand(list),
    'ringfence tenants list --region eu-west --tier silo',
    'ringfence tenants list -o json | jq -r ".[].id"',
  ).action(async (flags: ControlFlags & Record<'status' | 'region' | 'tier' | 'limit', string>) => {
    const { client, format } = openControl(flags, console)
    const { status, region, tier } = flags
    const most = wholeNumber(flags.limit, '--limit')
    const all = await client.list('/v1/tenants', tenantSchema, { status, region, tier }, most)
    writeList(all, columns, format, console.out)
  })
  examples(
    controlCommand(tenants.command('get <tenant>').description('One tenant in full.')),
    'ringfence tenants get acme -o yaml',
  ).action(async (id: string, flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    const tenant = await client.get(pathOf('tenants', id), tenantSchema)
    writeOne(tenant, details, format, console.out)
  })
  examples(
    controlCommand(
      tenants
        .command('history <tenant>')
        .description('Every change of its status: when, by whom, why. Newest first.')
        .option('--limit <n>', 'at most so many'),
    ),
    'ringfence tenants history acme',
  ).action(async (id: string, flags: ControlFlags & { limit?: string }) => {
    const { client, format } = openControl(flags, console)
    const most = wholeNumber(flags.limit, '--limit')
    const changes = await client.list(
      pathOf('tenants', id, 'history'),
      statusChangeSchema,
      {},
      most,
    )
    writeList(changes, (change) => ({ ...change }), format, console.out)
  })
  examples(
    controlCommand(
      tenants
        .command('receipt <tenant>')
        .description('The signed receipt of an erased tenant, as it was kept: a DSSE envelope.'),
    ),
    'ringfence tenants receipt acme > acme.receipt.dsse.json',
  ).action(async (id: string, flags: ControlFlags) => {
    const { client } = openControl(flags, console)
    console.out(await client.text(pathOf('tenants', id, 'receipt')))
  })
}

function addUpdate(tenants: Command, console: Console): void {
  const update = tenants
    .command('update <tenant>')
    .description('Change its name, plan, hosts or legal hold.')
    .option('--name <text>', 'what people call it')
    .option('--plan <plan>', 'what it has bought')
    .option('--host <name>', 'a host name of its own; all of them, one flag each', several)
    .option('--legal-hold <on|off>', 'while it is on, the tenant is not erased')
  examples(
    controlCommand(update),
    'ringfence tenants update acme --legal-hold on',
    'ringfence tenants update acme --host app.acme.example --host www.acme.example',
  ).action(async (id: string, flags: UpdateFlags) => {
    const { client, format } = openControl(flags, console)
    const body = {
      ...(flags.name === undefined ? {} : { display_name: flags.name }),
      ...(flags.plan === undefined ? {} : { plan: flags.plan }),
      ...(flags.host === undefined ? {} : { hosts: flags.host }),
      ...(flags.legalHold === undefined ? {} : { legal_hold: onOrOff(flags.legalHold) }),
    }
    if (Object.keys(body).length === 0) {
      throw new RingfenceError('invalid_argument', 'name what to change: see --help')
    }
    const path = pathOf('tenants', id)
    // What somebody else changes meanwhile is not written over.
    const { tag } = await client.tagged(path, tenantSchema)
    const change = { method: 'PATCH', path, body, ifMatch: tag } as const
    writeOne(await client.change(change, tenantSchema), details, format, console.out)
  })
}

function onOrOff(value: string): boolean {
  if (value === 'on' || value === 'off') return value === 'on'
  throw new RingfenceError('invalid_argument', '--legal-hold is on or off')
}
