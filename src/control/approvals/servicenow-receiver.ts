import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { call } from '../../http/call.ts'
import type { WireApproval } from '../api/schemas.ts'
import type { ChangeRecord, OutsideDecision } from '../ports.ts'
import { parseOutsideUrl } from '../../http/outside-url.ts'
import type { OutsideMessage, Receiver } from './receiver.ts'

/**
 * ServiceNow by its Table API (`/api/now/table/{table}`): POST inserts one record and answers 201 with
 * `{result}`; GET with `sysparm_query` answers 200 with `{result: […]}`, an empty list when nothing fits;
 * refusals are `{error: {message, detail}, status: 'failure'}`. Values are strings. Reference fields
 * (`sys_updated_by` is none) are not read. Fields of `task`, from which both tables inherit:
 * `correlation_id` (the other system's id), `correlation_display` (its name), `approval`
 * (`not requested`, `requested`, `approved`, `rejected`). `change_request.state` is a number as text:
 * -5 new, -4 assess, -3 authorize, -2 scheduled, -1 implement, 0 review, 3 closed, 4 cancelled.
 */

const TIMEOUT_MS = 15_000
const SYSTEM = 'ringfence'
const CHANGE_STATE_CANCELLED = '4'
const REQUEST_STATE_CANCELLED = 'closed_cancelled'

/** Onboarding is a request of the service catalogue, everything else a change. */
const TABLES = { request: 'sc_request', change: 'change_request' } as const
type Table = (typeof TABLES)[keyof typeof TABLES]

export interface ServiceNowOptions {
  /** Stable name of this receiver: `servicenow`. */
  readonly name: string
  /** `https://example.service-now.com` */
  readonly instance: string
  /** The value of `Authorization`: `Basic …` or `Bearer …`. Secret. */
  readonly authorization: () => Promise<string> | string
  /** Fields that this instance wants on every record, such as `assignment_group`. */
  readonly fields?: Readonly<Record<string, string>>
}

const record = z.object({
  sys_id: z.string(),
  number: z.string().min(1),
  correlation_id: z.string().optional(),
  approval: z.string().optional(),
  state: z.string().optional(),
  request_state: z.string().optional(),
  sys_updated_by: z.string().optional(),
  sys_mod_count: z.string().optional(),
})
type TableRecord = z.infer<typeof record>

const READ_FIELDS = Object.keys(record.shape).join(',')

/** @throws RingfenceError `invalid_argument` for an instance that is not an HTTPS address */
export function serviceNowReceiver(options: ServiceNowOptions): Receiver {
  const { origin } = parseOutsideUrl(options.instance)

  async function ask(
    method: 'GET' | 'POST',
    path: string,
    body?: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const answer = await call(origin, {
      method,
      path,
      headers: {
        accept: 'application/json',
        authorization: await options.authorization(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: TIMEOUT_MS,
    })
    if (answer.status !== (method === 'POST' ? 201 : 200)) {
      throw new RingfenceError('engine_unavailable', `ServiceNow answered ${answer.status}`)
    }
    return JSON.parse(answer.text)
  }

  /** The record of a correlation id. More than one is a person's doing; the oldest is ours. */
  async function find(table: Table, correlation: string): Promise<TableRecord | undefined> {
    const query = new URLSearchParams({
      sysparm_query: `correlation_id=${correlation}^correlation_display=${SYSTEM}^ORDERBYsys_created_on`,
      sysparm_fields: READ_FIELDS,
      sysparm_limit: '1',
    })
    const answer = z
      .object({ result: z.array(record) })
      .safeParse(await ask('GET', `/api/now/table/${table}?${query.toString()}`))
    if (!answer.success) throw misunderstood()
    const [found] = answer.data.result
    // An instance ignores the parts of a query that it cannot read, and would answer any record.
    return found?.correlation_id === correlation ? found : undefined
  }

  return {
    name: options.name,
    deliver: async (message) => {
      const { table, fields } = recordFor(message)
      const present = await find(table, fields.correlation_id)
      if (present !== undefined) return present.number
      const made = z
        .object({ result: record })
        .safeParse(await ask('POST', `/api/now/table/${table}`, { ...options.fields, ...fields }))
      if (!made.success) throw misunderstood()
      return made.data.result.number
    },
    decisionOn: async (approval) => {
      const correlation = correlationOf('approval', approval)
      const found =
        (await find(TABLES.request, correlation)) ?? (await find(TABLES.change, correlation))
      return found === undefined ? undefined : decisionIn(found, approval, options.name)
    },
  }
}

function recordFor(message: OutsideMessage): {
  readonly table: Table
  readonly fields: Readonly<Record<string, string>> & { readonly correlation_id: string }
} {
  return message.type === 'approval.requested'
    ? approvalRecord(message.data)
    : { table: TABLES.change, fields: changeFields(message.data) }
}

function approvalRecord(approval: WireApproval) {
  return {
    table: approval.kind === 'onboard' ? TABLES.request : TABLES.change,
    fields: {
      ...common(correlationOf('approval', approval.id)),
      short_description: `Ringfence: ${approval.kind} tenant ${approval.tenant}`,
      description: [
        `Asked for by ${approval.requested_by} at ${approval.requested_at}.`,
        `Approve or reject before ${approval.expires_at}.`,
        `Approval ${approval.id}, workflow ${approval.workflow}.`,
      ].join('\n'),
      approval: 'requested',
    },
  }
}

function changeFields(change: ChangeRecord) {
  return {
    ...common(correlationOf('workflow', change.workflow)),
    type: 'normal',
    short_description: `Ringfence: ${change.kind} tenant ${change.tenant}`,
    description: [
      change.summary,
      `Asked for by ${change.requestedBy}.`,
      `Workflow ${change.workflow}.`,
    ].join('\n'),
  }
}

function common(correlation: string) {
  return { correlation_id: correlation, correlation_display: SYSTEM }
}

/** No `^`, which would begin another condition of a query. */
function correlationOf(kind: 'approval' | 'workflow', id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,80}$/.test(id)) {
    throw new RingfenceError('conflict', 'the id cannot be a correlation id')
  }
  return `${kind}:${id}`
}

/** Cancelled there is refused here. Who changed the record last is who decided. */
function decisionIn(
  found: TableRecord,
  approval: string,
  channel: string,
): OutsideDecision | undefined {
  const cancelled =
    found.state === CHANGE_STATE_CANCELLED || found.request_state === REQUEST_STATE_CANCELLED
  const approve = found.approval === 'approved' && !cancelled
  if (!approve && !cancelled && found.approval !== 'rejected') return undefined
  return {
    id: `${found.sys_id}-${found.sys_mod_count ?? '0'}`,
    approval,
    approve,
    comment: `${found.number}: ${cancelled ? 'cancelled' : (found.approval ?? '')}`,
    channel,
    // In the one spelling in which operators are named, so that nobody passes for another by case.
    decidedBy: (found.sys_updated_by ?? 'unknown').trim().toLowerCase(),
  }
}

function misunderstood(): RingfenceError {
  return new RingfenceError('engine_unavailable', 'ServiceNow’s answer is not of its Table API')
}
