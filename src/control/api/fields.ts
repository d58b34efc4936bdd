import { z } from '@hono/zod-openapi'
import { messageOf } from '../../core/errors.ts'
import { parseClientId, parsePlanName, parseServiceName } from '../../core/names.ts'
import { parseCellName, parseRegion, parseTenantId } from '../../core/tenant.ts'

/** The fields that requests are made of: what they look like in the document, and their parsers. */

const LABEL = '^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$'
const LABEL_LENGTH_MAX = 40
/** What a made-up id looks like. Nothing else reaches a query. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/
// Any character of one line of ordinary text. NUL in particular is not storable.
const ONE_LINE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+$/u

export function named<T>(parser: (value: unknown) => T, example: string) {
  return z
    .string()
    .openapi({ pattern: LABEL, minLength: 1, maxLength: LABEL_LENGTH_MAX, example })
    .transform((value, context): T => {
      try {
        return parser(value)
      } catch (error) {
        context.addIssue({ code: 'custom', message: messageOf(error) })
        return z.NEVER
      }
    })
}

export const tenantIdField = named(parseTenantId, 'acme')
export const regionField = named(parseRegion, 'eu-west')
export const cellField = named(parseCellName, 'eu-west-1')
export const planField = named(parsePlanName, 'standard')
export const serviceField = named(parseServiceName, 'clinic')
export const clientField = named(parseClientId, 'clinic-web')

export const idField = z
  .string()
  .regex(ID, 'an id has 1 to 100 letters, digits, and _ . : - inside')

/** One line of text for people. */
export function textField(lengthMax: number) {
  return z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(ONE_LINE, 'one line of text without control characters')
    .refine((text) => text.trim() !== '', 'not only spaces')
}

/** A host name in its one spelling: lower case, no port, no dot at the end. */
export const hostField = z
  .string()
  .max(253)
  .regex(
    /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'a host name like app.acme.example, in lower case, without a port',
  )

/** A query's page: `limit` items after `cursor`. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'a whole number')
    .transform(Number)
    .pipe(z.number().int().min(1).max(500))
    .optional()
    .openapi({
      type: 'integer',
      minimum: 1,
      maximum: 500,
      default: 100,
      description: 'How many items to answer at most.',
    }),
  cursor: z
    .string()
    .regex(/^[\x21-\x7e]{1,2000}$/, 'a cursor is what `next` held')
    .optional()
    .openapi({ description: 'Where the page begins: `next` of the page before, unchanged.' }),
}

const LIMIT_DEFAULT = 100

/** What the query asks for, as the control plane wants it. */
export function pageOf(query: {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}): { readonly limit: number; readonly cursor?: string } {
  return {
    limit: query.limit ?? LIMIT_DEFAULT,
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  }
}

/** Leaves out what is undefined: an absent field and one that is undefined are two things to a type. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
