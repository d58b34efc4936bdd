import { z } from 'zod'
import { parseGrantId } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'

const common = {
  /** One of the tenant's own. */
  grant: parsed(parseGrantId),
  /** From then on this says nothing. */
  until: z.iso.datetime(),
}

/** What detectors have put on a grant for a while. It gives nothing that the grant does not. */
export const grantRestraintSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('limit'),
    /** Calls under it in five minutes. */
    requests: z.int().min(1).max(10_000_000),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('challenge'),
    /** Whoever acts under it has signed in since then. */
    since: z.iso.datetime(),
  }),
])
export type GrantRestraint = z.output<typeof grantRestraintSchema>

export const GRANT_RESTRAINTS_MAX = 500
export const grantRestraintsSchema = z.array(grantRestraintSchema).max(GRANT_RESTRAINTS_MAX)
