import type { Taken } from './count.ts'

/** A limit and what is left of it. */
export interface Standing {
  readonly policy: string
  readonly label: string
  readonly taken: Taken
}

export type Fields = [string, string][]

/** The greatest integer of a structured field (RFC 9651, section 3.3.1). */
export const INTEGER_MAX = 999_999_999_999_999

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers has them (version 09),
 * as structured fields (RFC 9651).
 */
export function rateLimitFields(standings: readonly Standing[]): Fields {
  if (standings.length === 0) return []
  let policies = ''
  let limits = ''
  for (const { policy, label, taken } of standings) {
    const between = policies === '' ? '' : ', '
    policies += between + policy
    limits += `${between}"${label}";r=${whole(taken.remaining)};t=${seconds(taken.resetMs)}`
  }
  return [
    ['ratelimit-policy', policies],
    ['ratelimit', limits],
  ]
}

function whole(value: number): number {
  return Math.min(INTEGER_MAX, value)
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}

/** Part of the time to wait by which callers are told to come at different moments. */
const JITTER = 0.2
const JITTER_SECONDS_MAX = 30

/**
 * Seconds for `Retry-After`: never too early, and not the same for all who were refused together.
 * @param random from 0 to 1
 */
export function retryAfter(waitMs: number, random: number): number {
  const least = Math.max(1, seconds(waitMs))
  const jitter = Math.min(JITTER_SECONDS_MAX, Math.max(1, least * JITTER))
  return least + Math.floor(random * (jitter + 1))
}
