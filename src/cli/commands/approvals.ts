import type { Command } from 'commander'
import { approvalSchema, type WireApproval } from '../../control/api/schemas.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { type Columns, writeList, writeOne } from '../output.ts'

const columns: Columns<WireApproval> = (approval) => ({
  id: approval.id,
  state: approval.state,
  kind: approval.kind,
  tenant: approval.tenant,
  'asked by': approval.requested_by,
  expires: approval.expires_at,
  'decided by': approval.decided_by,
  outside: approval.external_ref,
})

/** `ringfence approvals`: what waits for a second person. */
export function addApprovals(program: Command, console: Console, _ending: Ending): void {
  const approvals = examples(
    program.command('approvals').description('What waits for a second person.'),
    'ringfence approvals list',
    'ringfence approvals approve approval-4711 --comment "contract signed"',
  )
  const list = approvals
    .command('list')
    .description('What waits for a decision; with --all what was decided too.')
    .option('--all', 'also what was decided or expired')
  examples(controlCommand(list), 'ringfence approvals list').action(
    async (flags: ControlFlags & { all?: boolean }) => {
      const { client, format } = openControl(flags, console)
      const query = { state: flags.all === true ? undefined : 'pending' }
      const all = await client.list('/v1/approvals', approvalSchema, query)
      writeList(all, columns, format, console.out)
    },
  )
  examples(
    controlCommand(approvals.command('get <approval>').description('One approval.')),
    'ringfence approvals get approval-4711',
  ).action(async (id: string, flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    const approval = await client.get(pathOf('approvals', id), approvalSchema)
    const all = ({ comment }: WireApproval) => ({ ...columns(approval), comment })
    writeOne(approval, all, format, console.out)
  })
  for (const [verb, approve, description] of [
    ['approve', true, 'Let it go on. Never by the operator who asked.'],
    ['refuse', false, 'End it before anything was made.'],
  ] as const) {
    const command = approvals
      .command(`${verb} <approval>`)
      .description(description)
      .option('--comment <text>', 'one line for the record')
    examples(
      controlCommand(command),
      `ringfence approvals ${verb} approval-4711 --comment "ticket 12"`,
    ).action(async (id: string, flags: ControlFlags & { comment?: string }) => {
      const { client, format } = openControl(flags, console)
      const body = { approve, ...(flags.comment === undefined ? {} : { comment: flags.comment }) }
      const path = pathOf('approvals', id, 'decision')
      const decided = await client.change({ method: 'POST', path, body }, approvalSchema)
      writeOne(decided, columns, format, console.out)
    })
  }
}
