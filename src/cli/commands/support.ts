import type { Command } from 'commander'
import {
  approvalSchema,
  supportPolicySchema,
  supportSchema,
  type WireSupport,
} from '../../control/api/schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import {
  SUPPORT_POLICIES,
  SUPPORT_SECONDS_MAX,
  SUPPORT_SECONDS_MIN,
  SUPPORT_STATES,
} from '../../core/support-terms.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
} from '../control-command.ts'
import { durationSeconds } from '../duration.ts'
import type { Ending } from '../ending.ts'
import { readScope } from '../lease-flags.ts'
import { type Columns, writeList, writeOne } from '../output.ts'
import { untilActive, waitsFor } from '../support-access.ts'

const columns: Columns<WireSupport> = (access) => ({
  id: access.id,
  tenant: access.tenant,
  operator: access.operator,
  scope: access.scope,
  state: access.state,
  ends: access.ends_at,
  reason: access.reason,
})

const all: Columns<WireSupport> = (access) => ({
  ...columns(access),
  policy: access.policy,
  'waits for': waitsFor(access) || null,
  approval: access.approval,
  'approved by': access.alone ? 'nobody: there was no second person yet' : access.approved_by,
  'agreed to by': access.consented_by,
  'decide by': access.decide_by,
  history: access.changes.map(({ at, to, by }) => `${at} ${to} (${by})`).join('; '),
})

interface RequestFlags extends ControlFlags {
  readonly tenant: string
  readonly reason: string
  readonly scope: string
  readonly for: string
  readonly wait?: boolean
}

/** `ringfence support`: access to one tenant's data, for a reason, for a time, seen by the tenant. */
export function addSupport(program: Command, console: Console, ending: Ending): void {
  const support = examples(
    program
      .command('support')
      .description('Access to one tenant’s data, for a reason and a time. The tenant sees it.'),
    'ringfence support request --tenant acme --reason "ticket 4711" --scope read --for 30m',
    'ringfence exec --support support-4711 -- psql',
  )
  const request = support
    .command('request')
    .description('Ask for it. Who has to agree is the tenant’s policy.')
    .requiredOption('--tenant <tenant>', 'to whose data')
    .requiredOption('--reason <text>', 'why; the tenant reads it')
    .option('--scope <scope>', 'read or write', 'read')
    .option('--for <duration>', 'how long, at most 4h', '30m')
    .option('--wait', 'until everybody has agreed, or somebody has not')
  examples(
    controlCommand(request),
    'ringfence support request --tenant acme --reason "ticket 4711" --scope read --for 30m',
    'ringfence support request --tenant acme --reason "ticket 4711" --wait',
  )
    .addHelpText('after', '\nWith --wait the exit code is 1 when somebody has not agreed.')
    .action(async (flags: RequestFlags) => {
      const { client, format } = openControl(flags, console)
      const body = {
        tenant: parseTenantId(flags.tenant),
        reason: flags.reason,
        scope: readScope(flags.scope),
        seconds: supportSeconds(flags.for),
      }
      const change = { method: 'POST', path: '/v1/support', body } as const
      const asked = await client.change(change, supportSchema)
      const access = flags.wait === true ? await untilActive(client, asked, console) : asked
      if (flags.wait === true && access.state !== 'active') ending.exitCode = 1
      writeOne(access, all, format, console.out)
    })
  const list = support
    .command('list')
    .description('What was asked for, newest first.')
    .option('--tenant <tenant>', 'of this tenant')
    .option('--status <state>', SUPPORT_STATES.join(', '))
  examples(
    controlCommand(list),
    'ringfence support list --status active',
    'ringfence support list --tenant acme -o json',
  ).action(async (flags: ControlFlags & { tenant?: string; status?: string }) => {
    const { client, format } = openControl(flags, console)
    const { tenant, status: state } = flags
    const found = await client.list('/v1/support', supportSchema, { tenant, state })
    writeList(found, columns, format, console.out)
  })
  examples(
    controlCommand(support.command('get <support>').description('One, and all that became of it.')),
    'ringfence support get support-4711',
  ).action(async (id: string, flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    const access = await client.get(pathOf('support', id), supportSchema)
    writeOne(access, all, format, console.out)
  })
  for (const [verb, approve, description] of [
    ['approve', true, 'Agree, as a second person. Never to one’s own.'],
    ['refuse', false, 'Refuse, as a second person.'],
  ] as const) {
    const command = support
      .command(`${verb} <support>`)
      .description(description)
      .option('--comment <text>', 'one line for the record')
    examples(
      controlCommand(command),
      `ringfence support ${verb} support-4711 --comment "seen the ticket"`,
    ).action(async (id: string, flags: ControlFlags & { comment?: string }) => {
      const { client, format } = openControl(flags, console)
      const path = pathOf('support', id)
      const { approval } = await client.get(path, supportSchema)
      if (approval === null) {
        throw new RingfenceError('conflict', 'no second person is asked for this access')
      }
      const body = { approve, ...(flags.comment === undefined ? {} : { comment: flags.comment }) }
      await client.change(
        { method: 'POST', path: pathOf('approvals', approval, 'decision'), body },
        approvalSchema,
      )
      writeOne(await client.get(path, supportSchema), all, format, console.out)
    })
  }
  for (const [verb, noun, description] of [
    ['end', 'end', 'Give one’s own access back. All of it ends now.'],
    ['revoke', 'revocation', 'Take somebody’s access away, now.'],
  ] as const) {
    const command = support
      .command(`${verb} <support>`)
      .description(description)
      .option('--why <text>', 'for the record; the tenant reads it', 'no longer needed')
    examples(
      controlCommand(command),
      `ringfence support ${verb} support-4711 --why "the ticket is closed"`,
    ).action(async (id: string, flags: ControlFlags & { why: string }) => {
      const { client, format } = openControl(flags, console)
      const change = { method: 'POST', path: pathOf('support', id, noun), body: { why: flags.why } }
      const ended = await client.change({ ...change, method: 'POST' }, supportSchema)
      writeOne(ended, all, format, console.out)
    })
  }
  const policy = support
    .command('policy <tenant> [policy]')
    .description('Who has to agree for this tenant; with a policy: change it.')
  examples(
    controlCommand(policy),
    'ringfence support policy acme',
    'ringfence support policy acme consent',
  )
    .addHelpText('after', `\nPolicies: ${SUPPORT_POLICIES.join(', ')}.`)
    .action(async (name: string, to: string | undefined, flags: ControlFlags) => {
      const { client, format } = openControl(flags, console)
      const path = pathOf('tenants', parseTenantId(name), 'support-policy')
      const is =
        to === undefined
          ? await client.get(path, supportPolicySchema)
          : await client.change({ method: 'PUT', path, body: { policy: to } }, supportPolicySchema)
      writeOne(
        is,
        ({ tenant, policy: stands }) => ({ tenant, policy: stands }),
        format,
        console.out,
      )
    })
}

function supportSeconds(value: string): number {
  const seconds = durationSeconds(value, '--for')
  if (seconds >= SUPPORT_SECONDS_MIN && seconds <= SUPPORT_SECONDS_MAX) return seconds
  throw new RingfenceError('invalid_argument', '--for is a minute to four hours')
}
