import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'

/** Characters of a source or an id: they are a key together. */
const KEY_CHARACTERS_MAX = 256
const DATA_PROPERTIES_MAX = 40

const key = z.string().min(1).max(KEY_CHARACTERS_MAX)

/**
 * A CloudEvent (1.0, JSON) that says what was used. `source` and `id` together name it: however often it
 * comes, it counts once. Extension attributes hold to the specification's names: lower-case letters and
 * digits, no underscore.
 */
export const usageEventSchema = z.strictObject({
  specversion: z.literal('1.0'),
  id: key,
  source: key,
  /** What was used: `dev.ringfence.request`, `dev.ringfence.lease`, or a service's own. */
  type: z
    .string()
    .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/)
    .max(KEY_CHARACTERS_MAX),
  /** What inside the tenant used it: a user, a client, a resource. */
  subject: key.optional(),
  /** When it was used, not when it was sent. */
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json').optional(),
  dataschema: z.url().optional(),
  /** Whose usage it is: who pays. From a verified token or context, never from what a caller wrote. */
  tenantid: parsed(parseTenantId),
  /** For a delegated call: the tenant in whose context the work was done (`tenant_context_id`). */
  tenantcontextid: parsed(parseTenantId).optional(),
  grantid: key.optional(),
  traceparent: z.string().max(100).optional(),
  /** Set by a correction: `source` and `id` of the event that it takes the place of, with a blank between. */
  corrects: z
    .string()
    .max(2 * KEY_CHARACTERS_MAX + 1)
    .optional(),
  /** What meters filter, group and add up: numbers as JSON numbers, or decimal strings when they must be exact. */
  data: z
    .record(z.string().max(80), z.union([z.string().max(500), z.number(), z.boolean(), z.null()]))
    .refine((data) => Object.keys(data).length <= DATA_PROPERTIES_MAX)
    .default({}),
})
export type UsageEvent = z.output<typeof usageEventSchema>

/** Where a process hands over what was used. */
export interface UsageSink {
  /**
   * On return they survive this process: in a file that is sent on, or in the store.
   * @throws RingfenceError `not_writable`, `overloaded`
   */
  write(events: readonly UsageEvent[]): Promise<void>
}
