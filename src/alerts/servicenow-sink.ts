import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { AlertSink } from './alert-sink.ts'
import type { Owner, Severity } from './alert.ts'
import type { NoticedAlert } from './notice.ts'
import type { Outside } from './outside.ts'

/**
 * Incidents by ServiceNow's Table API: `GET` and `POST /api/now/table/incident`, `PATCH …/{sys_id}`.
 * `correlation_id` is the alert's fingerprint and `correlation_display` our name. `state` is a number as
 * text: 1 new, 2 in progress, 3 on hold, 6 resolved, 7 closed, 8 cancelled.
 */
const TABLE = '/api/now/table/incident'
const SYSTEM = 'ringfence'
const STATE_RESOLVED = '6'
const OVER = new Set([STATE_RESOLVED, '7', '8'])

/** 1 high, 2 medium, 3 low; the priority follows from both. */
const WEIGHT: Readonly<Record<Severity, string>> = { critical: '1', warning: '2', info: '3' }

export interface ServiceNowSinkOptions {
  readonly owner: Owner
  readonly name: string
  /** `https://example.service-now.com` */
  readonly instance: string
  /** The value of `Authorization`. Secret. */
  readonly authorization: () => Promise<string> | string
  /** Fields that this instance wants on every incident, such as `assignment_group`. */
  readonly fields?: Readonly<Record<string, string>>
  readonly outside: Outside
}

const record = z.object({
  sys_id: z.string().regex(/^[0-9a-f]{32}$/),
  state: z.string().optional(),
  correlation_id: z.string().optional(),
})
const found = z.object({ result: z.array(record) })

/** An incident for each alert, resolved with it. @throws RingfenceError `invalid_argument` */
export function serviceNowSink(options: ServiceNowSinkOptions): AlertSink {
  const { owner, name, outside } = options
  const instance = outside.url(options.instance)

  async function ask(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    fields?: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const { status, text } = await outside.send(new URL(path, instance), {
      method,
      headers: {
        accept: 'application/json',
        authorization: await options.authorization(),
        ...(fields === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
    })
    if (status !== (method === 'POST' ? 201 : 200)) {
      throw new RingfenceError('engine_unavailable', `ServiceNow answered ${status}`)
    }
    return jsonOf(text)
  }

  /** The newest incident of an alert that is not over. */
  async function open(fingerprint: string): Promise<string | undefined> {
    const query = new URLSearchParams({
      sysparm_query: `correlation_id=${fingerprint}^correlation_display=${SYSTEM}^ORDERBYDESCsys_created_on`,
      sysparm_fields: 'sys_id,state,correlation_id',
      sysparm_limit: '1',
    })
    const answer = found.safeParse(await ask('GET', `${TABLE}?${query.toString()}`))
    if (!answer.success) throw misunderstood()
    const [incident] = answer.data.result
    // An instance ignores the parts of a query that it cannot read, and would answer any record.
    if (incident?.correlation_id !== fingerprint || OVER.has(incident.state ?? '')) return undefined
    return incident.sys_id
  }

  return {
    owner,
    name,
    async deliver(notice) {
      for (const alert of notice.firing) {
        if ((await open(alert.fingerprint)) !== undefined) continue
        await ask('POST', TABLE, { ...options.fields, ...incidentOf(notice.name, alert) })
      }
      for (const { fingerprint } of notice.resolved) {
        const id = await open(fingerprint)
        if (id === undefined) continue
        await ask('PATCH', `${TABLE}/${id}`, {
          state: STATE_RESOLVED,
          close_code: 'Resolved by caller',
          close_notes: `Not reported any more at ${notice.at}.`,
        })
      }
    },
  }
}

function incidentOf(name: string, alert: NoticedAlert): Readonly<Record<string, string>> {
  const { fingerprint, severity, summary, since, labels, detail } = alert
  return {
    correlation_id: fingerprint,
    correlation_display: SYSTEM,
    short_description: `Ringfence: ${summary}`.slice(0, 160),
    description: [
      `${name}, since ${since}.`,
      ...Object.entries(labels).map(([key, value]) => `${key}: ${value}`),
      ...(detail === undefined ? [] : [detail]),
    ].join('\n'),
    impact: WEIGHT[severity],
    urgency: WEIGHT[severity],
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw misunderstood()
  }
}

function misunderstood(): RingfenceError {
  return new RingfenceError('engine_unavailable', 'ServiceNow’s answer is not of its Table API')
}
