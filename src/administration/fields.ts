import { z } from 'zod'

/** The fields of which realm operations are made. The identity plane parses them once more, by name. */

// NUL in particular is not storable; directions of text would change what is around it.
const ONE_LINE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u
const LABEL = /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/
/** As many as a page of the control API holds, and one that tells that there are more. */
const LIMIT_MAX = 501

export const time = z.iso.datetime()

/** One line for people. */
export function text(lengthMax: number) {
  return z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(ONE_LINE, 'one line of text without control characters')
}

/** A user, a group, a session: visible ASCII. */
export const anId = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'an id of 1 to 200 visible characters')
export const label = z
  .string()
  .regex(LABEL, '1 to 40 characters, a-z, 0-9 and single hyphens inside')
export const roleName = z
  .string()
  .regex(/^[a-z][a-z0-9:._-]{0,99}$/, 'a role has 1 to 100 characters of a-z, 0-9 and :._-')
export const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,50}$/, 'a scope has 1 to 50 visible characters')
export const place = z
  .string()
  .max(200)
  .regex(/^(?:[a-z0-9_-]+(?:\/[a-z0-9_-]+){0,15})?$/, 'a place is like ward/north')
export const email = z.string().min(3).max(254).regex(ONE_LINE, 'an e-mail address')
export const domain = z
  .string()
  .max(253)
  .regex(/^[^\s%/:@[\]\\?#]+\.[^\s%/:@[\]\\?#]+$/, 'a domain is a name like acme.example')

/** What a listing is asked with. */
export const listed = {
  limit: z.int().min(1).max(LIMIT_MAX).default(100),
  after: z.string().max(500).optional(),
}
export const revision = z.int().min(0)
export const ifRevision = { if_revision: revision.optional() }

export const done = z.object({ at: time }).meta({ id: 'Done' })

export function itemsOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item) })
}

/** A document in the spelling of manifests; the identity plane knows its fields. */
export const document = z.record(z.string().max(100), z.unknown())
