import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import type { AuditActor, AuditEntry } from './entry.ts'

const TEXT_MAX = 500
const DETAIL_MAX = 2_000
const NAME_MAX = 80
const DETAILS_MAX = 40
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/
const MAPPED = /^::ffff:(?=\d+\.)/i

type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined }
type Always = 'category' | 'action' | 'actor' | 'decision' | 'layer'
type Scalar = string | number | boolean | null

/** What a writer says of an act. What is undefined is left out. */
export type AuditDraft = Pick<AuditEntry, Always> &
  Optional<Omit<AuditEntry, Always | 'id' | 'time' | 'detail'>> & {
    /** Default a new one. The same act, made an entry of again, must give the same. */
    readonly id?: string | undefined
    /** Default now. */
    readonly time?: Date | undefined
    readonly detail?: Readonly<Record<string, unknown>> | undefined
  }

/**
 * An entry that every log takes, of whatever a caller may have sent: what is too long is cut, what is no
 * address or trace id is left out. It never throws, so that nobody can keep an act from being entered, or
 * from happening, by an odd name.
 */
export function makeEntry(draft: AuditDraft): AuditEntry {
  const { id, time, actor, on_behalf_of, object, reason, layer } = draft
  const address = draft.address?.replace(MAPPED, '')
  return {
    id: id ?? randomUUID(),
    time: (time ?? new Date()).toISOString(),
    ...given('tenant', draft.tenant),
    category: draft.category,
    action: draft.action,
    actor: actorOf(actor),
    ...(on_behalf_of === undefined ? {} : { on_behalf_of: actorOf(on_behalf_of) }),
    ...(object === undefined ? {} : { object: { type: text(object.type), id: text(object.id) } }),
    decision: draft.decision,
    layer: text(layer),
    ...(reason === undefined || reason === '' ? {} : { reason: text(reason) }),
    ...(draft.request_id === undefined ? {} : { request_id: text(draft.request_id) }),
    ...(draft.trace_id !== undefined && TRACE_ID.test(draft.trace_id)
      ? { trace_id: draft.trace_id }
      : {}),
    ...(address !== undefined && isIP(address) !== 0 && !address.includes('%') ? { address } : {}),
    ...(draft.grant_id === undefined ? {} : { grant_id: text(draft.grant_id) }),
    ...detailOf(draft.detail),
  }
}

function given<K extends string, T>(name: K, value: T | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: T }
}

function actorOf({ kind, id, tenant }: AuditActor): AuditActor {
  return { kind, id: text(id), ...(tenant === undefined ? {} : { tenant }) }
}

/** Half a surrogate pair would not survive the way through UTF-8, nor a NUL the one through PostgreSQL. */
const text = (value: string, most: number = TEXT_MAX) =>
  value.slice(0, most).replaceAll('\0', '').toWellFormed() || '-'

/** Lists and records inside are written as JSON; what is undefined is left out. */
function detailOf(detail: AuditDraft['detail']): Pick<AuditEntry, 'detail'> {
  const fields = Object.entries(detail ?? {})
    .filter(([, value]) => value !== undefined)
    .slice(0, DETAILS_MAX)
    .map(([name, value]): [string, Scalar] => [text(name, NAME_MAX), scalar(value)])
  return fields.length === 0 ? {} : { detail: Object.fromEntries(fields) }
}

function scalar(value: unknown): Scalar {
  switch (typeof value) {
    case 'string':
      return value === '' ? '' : text(value, DETAIL_MAX)
    case 'number':
      // JSON knows one zero: as what is read back the other would be another entry.
      return Number.isFinite(value) ? value + 0 : String(value)
    case 'boolean':
      return value
    case 'object':
      if (value === null) return null
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? '-' : value.toISOString()
      return text(jsonOf(value), DETAIL_MAX)
    default:
      return text(String(value), DETAIL_MAX)
  }
}

function jsonOf(value: object): string {
  try {
    const json: unknown = JSON.stringify(value)
    return typeof json === 'string' ? json : '-'
  } catch {
    return '-'
  }
}
