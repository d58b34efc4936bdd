import { z } from 'zod'
import { parseSubject } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { Revocation } from './revocation.ts'

/**
 * Seconds for which a revocation is kept, from its time on: nothing that it voids lives longer. The
 * longest are contexts of jobs, and leases, with an hour; clocks may differ by the minute beside it.
 */
export const KEPT_SECONDS = 3_660

/** A revocation as it is kept. Milliseconds since 1970. */
export interface Entry {
  readonly revocation: Revocation
  readonly untilMs: number
}

const tenant = parsed(parseTenantId)
const id = z.string().min(1).max(200)
const times = { at: z.number(), until: z.number() }

/** An entry in JSON, in the database's answers and on disk. What is not known is refused, not left out. */
const storedSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('token'), tenant, id, ...times }),
  z.strictObject({ kind: z.literal('session'), tenant, id, ...times }),
  z.strictObject({ kind: z.literal('subject'), tenant, id: parsed(parseSubject), ...times }),
  z.strictObject({ kind: z.literal('client'), tenant, id, ...times }),
  z.strictObject({ kind: z.literal('tenant'), tenant, ...times }),
  z.strictObject({ kind: z.literal('everything'), ...times }),
])

export type StoredEntry = z.input<typeof storedSchema>

/** @throws ZodError */
export function parseEntries(value: unknown): readonly Entry[] {
  return z
    .array(storedSchema)
    .parse(value)
    .map(({ until, at, ...what }) => ({
      revocation: { ...what, at: new Date(at) },
      untilMs: until,
    }))
}

export function storedEntry({ revocation, untilMs }: Entry): StoredEntry {
  const { at, ...what } = revocation
  return { ...what, at: at.getTime(), until: untilMs }
}
