import { z } from 'zod'

/** Weeks of appointments before the anchor, and as many after it. */
export const WEEKS_EACH_WAY = 26
/** Slots of 20 minutes in a clinician's day of eight hours. */
export const SLOTS_A_DAY = 24
/** Working days in the whole range of appointments. */
export const WORKING_DAYS = WEEKS_EACH_WAY * 2 * 5
/** How full an ordinary clinician's calendar is. */
const OCCUPANCY = 0.45
const APPOINTMENTS_A_PATIENT = 4.5

const count = (max: number) => z.int().min(1).max(max)

const dataSpecSchema = z.strictObject({
  /** Chooses names, times and texts. Two tenants with one seed would have the same patients. */
  seed: z.int().min(0).max(2_147_483_647),
  appointments: count(2_000_000),
  sites: count(16).default(1),
  timeZone: z
    .enum(['America/New_York', 'Europe/Dublin', 'Europe/Berlin'])
    .default('America/New_York'),
  /** A Monday: appointments before it have taken place. */
  anchor: z.iso.date().default('2026-11-23'),
})

/** What a tenant's data is made from: the `data` of a tenant in platform.yaml. */
export type DataSpec = z.input<typeof dataSpecSchema>

/** A checked specification, with what follows from it. */
export interface DataPlan extends z.output<typeof dataSpecSchema> {
  readonly clinicians: number
  readonly patients: number
}

/** @throws z.ZodError that names the field. */
export function planData(spec: unknown): DataPlan {
  const checked = dataSpecSchema.parse(spec)
  const slotsEach = WORKING_DAYS * SLOTS_A_DAY
  return {
    ...checked,
    clinicians: Math.max(checked.sites, Math.ceil(checked.appointments / (slotsEach * OCCUPANCY))),
    patients: Math.max(10, Math.round(checked.appointments / APPOINTMENTS_A_PATIENT)),
  }
}
