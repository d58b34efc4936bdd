import { z } from 'zod'
import { type AuditEntry, CATEGORIES } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'

const text = z.string().min(1).max(500)

export const filterSchema = z.strictObject({
  category: z.enum(CATEGORIES).optional(),
  action: text.optional(),
  decision: z.enum(['allowed', 'denied', 'done', 'failed']).optional(),
  /** The actor's id, or that of the principal in whose place it acts. */
  actor: text.optional(),
  /** The object's id, or `type/id`. */
  object: text.optional(),
  request_id: text.optional(),
  trace_id: text.optional(),
  address: text.optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  /** Words that all occur in the entry, in any case. */
  q: z.string().min(1).max(200).optional(),
})
export const FILTER_NAMES = Object.keys(filterSchema.shape)

/** What was erased (undefined) is found only by who looks for nothing in particular. */
export type EntryFilter = (entry: AuditEntry | undefined) => boolean

/** What is looked for. @throws RingfenceError `invalid_argument` that names the parameter */
export function entryFilter(asked: Readonly<Record<string, string>>): EntryFilter {
  const result = filterSchema.safeParse(asked)
  if (!result.success) {
    const [issue] = result.error.issues
    const where = issue?.path.join('.') || String(issue?.code === 'unrecognized_keys' && issue.keys)
    throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'not valid'}`)
  }
  const { category, action, decision, request_id, trace_id, address } = result.data
  const { actor, object, q } = result.data
  const since = timeOf(result.data.since)
  const until = timeOf(result.data.until)
  const words = q?.toLowerCase().split(/\s+/).filter(Boolean) ?? []
  const same = <T>(wanted: T | undefined, value: T | undefined) =>
    wanted === undefined || wanted === value
  const isOpen = Object.keys(result.data).length === 0
  return (entry) => {
    if (isOpen || entry === undefined) return isOpen
    return (
      same(category, entry.category) &&
      same(action, entry.action) &&
      same(decision, entry.decision) &&
      same(request_id, entry.request_id) &&
      same(trace_id, entry.trace_id) &&
      same(address, entry.address) &&
      (actor === undefined || actor === entry.actor.id || actor === entry.on_behalf_of?.id) &&
      (object === undefined || isObject(object, entry.object)) &&
      (since === undefined || Date.parse(entry.time) >= since) &&
      (until === undefined || Date.parse(entry.time) < until) &&
      (words.length === 0 || hasAll(entry, words))
    )
  }
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}

function isObject(wanted: string, object: AuditEntry['object']): boolean {
  return object !== undefined && (object.id === wanted || `${object.type}/${object.id}` === wanted)
}

function hasAll(entry: AuditEntry, words: readonly string[]): boolean {
  const text = JSON.stringify(entry).toLowerCase()
  return words.every((word) => text.includes(word))
}
