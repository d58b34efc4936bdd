import type { TenantId } from '../core/tenant.ts'
import { contentHash, eventKey, type EventKey, targetOf } from '../usage/event-key.ts'
import type { ReceivedEvent } from '../usage/usage-store.ts'

/** An event as a line of COPY's text form, with what the store needs to know of it besides. */
export interface CopyRow {
  readonly tenant: TenantId
  readonly key: EventKey
  readonly content: string
  /** In UTC. */
  readonly time: string
  /** Since 1970. */
  readonly minute: number
  /** Since 1970. */
  readonly day: number
  readonly isAmendment: boolean
  readonly received: ReceivedEvent
  /** Without its newline. */
  readonly text: string
}

export const DAY_MS = 86_400_000
export const MINUTE_MS = 60_000
export const COPY_COLUMNS = `tenant, time, key, source, id, type, subject, context_tenant, grant_id,
  traceparent, dataschema, target, voids, data, reporter`

const SPECIAL = /[\\\t\n\r]/g
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}
const escaped = (text: string) => text.replace(SPECIAL, (character) => ESCAPES[character] ?? '')
const orNull = (text: string | undefined) => (text === undefined ? '\\N' : escaped(text))

export function copyRow(received: ReceivedEvent): CopyRow {
  const { event, reporter } = received
  const { tenantid, source, id, data } = event
  const key = eventKey(tenantid, source, id)
  const content = contentHash(event)
  const target = targetOf(event)
  const at = Date.parse(event.time)
  const time = new Date(at).toISOString()
  const fields = [
    tenantid,
    time,
    key,
    escaped(source),
    escaped(id),
    event.type,
    orNull(event.subject),
    orNull(event.tenantcontextid),
    orNull(event.grantid),
    orNull(event.traceparent),
    orNull(event.dataschema),
    target === undefined ? '\\N' : eventKey(tenantid, target.source, target.id),
    event.voids === undefined ? 'f' : 't',
    escaped(JSON.stringify(data)),
    escaped(reporter),
  ]
  return {
    ...{ tenant: tenantid, key, content, time, received },
    minute: Math.floor(at / MINUTE_MS),
    day: Math.floor(at / DAY_MS),
    isAmendment: target !== undefined,
    text: fields.join('\t'),
  }
}
