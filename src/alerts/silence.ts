import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { AlertSignal, Owner } from './alert.ts'

const DAYS_MAX = 30
const DAY_MS = 86_400_000

/** What must not be told for a while. Alerts that it fits go on being known. */
export interface Silence {
  readonly id: string
  /** It fits alerts of this owner alone. */
  readonly owner: Owner
  readonly name?: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly until: Date
  readonly by: string
  readonly reason: string
}

const askedSchema = z.strictObject({
  name: z.string().min(1).max(60).optional(),
  labels: z.record(z.string().max(40), z.string().max(200)).default({}),
  until: z.date(),
  by: z.string().min(1).max(200),
  reason: z.string().min(1).max(500),
})
export type SilenceAsked = z.input<typeof askedSchema>

/**
 * @param owner who asks, as it was authenticated: never from what was sent
 * @throws RingfenceError `invalid_argument` for one that fits everything, is over, or lasts for longer
 *   than 30 days
 */
export function silenceOf(owner: Owner, asked: SilenceAsked, now: Date): Silence {
  const read = askedSchema.safeParse(asked)
  if (!read.success) throw new RingfenceError('invalid_argument', 'this is not a silence')
  const { until, name, labels } = read.data
  if (name === undefined && Object.keys(labels).length === 0) {
    throw new RingfenceError('invalid_argument', 'a silence names a rule or labels')
  }
  const milliseconds = until.getTime() - now.getTime()
  if (!(milliseconds > 0 && milliseconds <= DAYS_MAX * DAY_MS)) {
    throw new RingfenceError('invalid_argument', `a silence ends within ${DAYS_MAX} days`)
  }
  return { id: randomUUID(), owner, ...read.data }
}

/** Whether an alert of an owner is silenced. */
export function isSilenced(
  silences: readonly Silence[],
  owner: Owner,
  { name, labels }: Pick<AlertSignal, 'name' | 'labels'>,
  now: number,
): boolean {
  return silences.some(
    (silence) =>
      silence.owner === owner &&
      silence.until.getTime() > now &&
      (silence.name === undefined || silence.name === name) &&
      Object.entries(silence.labels).every(([key, value]) => labels[key] === value),
  )
}
