import { createHash } from 'node:crypto'
import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'

/** From the least to the most. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/**
 * Whose an alert, a sink or a silence is: `platform`, or `tenant/acme`, so that no tenant's id is the
 * platform's name. What is one owner's is nobody else's. Only `ownerOf` makes one of a tenant.
 */
export type Owner = 'platform' | `tenant/${string}`

const LABELS_MAX = 12
/** Goes into subjects of mails, headings and lines of logs. */
const line = (max: number) =>
  z
    .string()
    .min(1)
    .transform((text) => text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ').slice(0, max))

/**
 * What a detector says. `name` and `labels` together are what is wrong: said again it is the same
 * alert, however often. No secret is in it, and in a tenant's nothing of another.
 */
export const alertSignalSchema = z.strictObject({
  /** The rule: `slo-burn`, `budget-spent`. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
    .max(60),
  /** Absent for the platform's own. */
  tenant: parsed(parseTenantId).optional(),
  severity: z.enum(SEVERITIES),
  state: z.enum(['firing', 'resolved']),
  labels: z
    .record(z.string().regex(/^[a-z][a-z0-9_.]{0,39}$/), line(200))
    .refine((labels) => Object.keys(labels).length <= LABELS_MAX, 'too many labels')
    .default({}),
  /** One line for a pager. */
  summary: line(300),
  detail: z.string().max(4_000).optional(),
  at: z.date(),
  /** When it ends by itself unless it is said again: for detectors that may die. */
  until: z.date().optional(),
})
export type AlertSignal = z.output<typeof alertSignalSchema>
export type AlertSignalInput = z.input<typeof alertSignalSchema>

/** Where detectors say what they found. It returns when it is kept. */
export interface AlertIntake {
  /** @throws RingfenceError `invalid_argument`, `overloaded`; what the store throws */
  signal(signal: AlertSignalInput): Promise<void>
}

export function ownerOf(tenant: TenantId | undefined): Owner {
  return tenant === undefined ? 'platform' : `tenant/${tenant}`
}

/** The same for the same thing wrong, and for nothing else: 32 hexadecimal digits. */
export function fingerprintOf(signal: Pick<AlertSignal, 'name' | 'tenant' | 'labels'>): string {
  const labels = Object.entries(signal.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([signal.name, signal.tenant ?? null, labels])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

export function isWorse(a: Severity, b: Severity): boolean {
  return SEVERITIES.indexOf(a) > SEVERITIES.indexOf(b)
}
