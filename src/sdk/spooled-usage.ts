import { z } from 'zod'
import { usageEventSchema } from '../usage/usage-event.ts'

/** A line of the spool: an event, and the context in which it came to be. */
export const spooledSchema = z.strictObject({ context: z.string(), event: usageEventSchema })
export type Spooled = z.output<typeof spooledSchema>
