import { z } from 'zod'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { DETECTORS } from '../finding.ts'

/** What is in traffic that a detector should tell. */
export const labelSchema = z.strictObject({
  attack: z.string(),
  detector: z.enum(DETECTORS),
  tenant: parsed(parseTenantId).optional(),
  /** What it is about, as the finding says it. */
  about: z.string(),
  /** Milliseconds since 1970. */
  from: z.number(),
  to: z.number(),
})
export type Label = z.output<typeof labelSchema>

export const labelsSchema = z.array(labelSchema)
