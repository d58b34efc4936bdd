import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'

/** Characters of a source or an id: they are a key together. */
const KEY_CHARACTERS_MAX = 256
const DATA_PROPERTIES_MAX = 40
/** Beyond it numbers of JSON are not exact; who needs more writes a decimal string. */
export const NUMBER_MAX = 1e15

/** What no store could keep, or no reader show: control characters, and halves of characters. */
// oxlint-disable-next-line no-control-regex
const UNKEEPABLE = /[\u0000-\u001f\u007f]/
const isKeepable = (text: string) => !UNKEEPABLE.test(text) && text.isWellFormed()
const keepable = (max: number) =>
  z.string().max(max).refine(isKeepable, 'it has characters that cannot be kept')

const key = keepable(KEY_CHARACTERS_MAX).min(1)
/** A URI reference (RFC 3986): without blanks, so that a blank can end it. */
const source = z
  .string()
  .regex(/^[!-~]+$/, 'a source is a URI reference')
  .max(KEY_CHARACTERS_MAX)
/** Another event: its source, a blank, its id. */
const reference = keepable(2 * KEY_CHARACTERS_MAX + 1).regex(
  /^[!-~]+ ./,
  'a source, a blank, an id',
)

/**
 * A CloudEvent (1.0, JSON) that says what was used. `source` and `id` together name it: however often it
 * comes, it counts once. Extension attributes hold to the specification's names: lower-case letters and
 * digits, no underscore.
 */
export const usageEventSchema = z
  .strictObject({
    specversion: z.literal('1.0'),
    id: key,
    source,
    /** What was used: `dev.ringfence.request`, `dev.ringfence.lease`, or a service's own. */
    type: z
      .string()
      .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/)
      .max(KEY_CHARACTERS_MAX),
    /** What inside the tenant used it: a user, a client, a resource. */
    subject: key.optional(),
    /** When it was used, not when it was sent. */
    time: z.iso
      .datetime({ offset: true })
      .refine((time) => /^2[01]/.test(time), 'it is of another century'),
    datacontenttype: z.literal('application/json').optional(),
    dataschema: z.url().max(500).optional(),
    /** Whose usage it is: who pays. From a verified token or context, never from what a caller wrote. */
    tenantid: parsed(parseTenantId),
    /** For a delegated call: the tenant in whose context the work was done (`tenant_context_id`). */
    tenantcontextid: parsed(parseTenantId).optional(),
    grantid: key.optional(),
    traceparent: keepable(100).optional(),
    /** Set by a correction: `source` and `id` of the event that it takes the place of, with a blank between. */
    corrects: reference.optional(),
    /** Set by a void, which counts nothing itself: the event that is taken back, and all that it replaced. */
    voids: reference.optional(),
    /** What meters filter, group and add up: numbers as JSON numbers, or decimal strings when they must be exact. */
    data: z
      .record(
        keepable(80).min(1),
        z.union([
          keepable(500),
          z.number().min(-NUMBER_MAX).max(NUMBER_MAX),
          z.boolean(),
          z.null(),
        ]),
      )
      .refine((data) => Object.keys(data).length <= DATA_PROPERTIES_MAX, 'too many properties')
      .default({}),
  })
  .refine(
    ({ corrects, voids }) => corrects === undefined || voids === undefined,
    'an event corrects or voids, and not both',
  )
  .refine(
    ({ corrects, voids, source, id }) => (corrects ?? voids) !== `${source} ${id}`,
    'an event does not take its own place',
  )
export type UsageEvent = z.output<typeof usageEventSchema>

/** Where a process hands over what was used. */
export interface UsageSink {
  /**
   * On return they survive this process: in a file that is sent on, or in the store.
   * @throws RingfenceError `not_writable`, `overloaded`
   */
  write(events: readonly UsageEvent[]): Promise<void>
}
