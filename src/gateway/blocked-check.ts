import { Ranges } from '../edge/ranges.ts'
import type { PlatformConfig } from '../snapshot/snapshot.ts'
import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'

interface Blocked {
  readonly ranges: Ranges
  readonly untilMs: number
}

/** Of each platform that is in force: by the very object, so that no older one's is found. */
const compiled = new WeakMap<PlatformConfig, readonly Blocked[]>()

/** Whom detectors have shut out for a while: nobody, whatever the token, comes in from there. */
export const BLOCKED_CHECK: GatewayCheck = {
  name: 'network-is-not-blocked',
  run({ configuration: { platform }, head: { address } }) {
    if (platform.blocked === undefined) return
    const now = Date.now()
    const end = blockedOf(platform).find(
      ({ ranges, untilMs }) => untilMs > now && ranges.has(address),
    )?.untilMs
    if (end === undefined) return
    throw new Denial('rate_limited', 'too many requests that are not valid', 'blocked network', [
      ['retry-after', String(Math.ceil((end - now) / 1000))],
    ])
  },
}

function blockedOf(platform: PlatformConfig): readonly Blocked[] {
  let blocked = compiled.get(platform)
  if (blocked === undefined) {
    blocked = (platform.blocked ?? []).map(({ network, until }) => ({
      ranges: new Ranges([network]),
      untilMs: Date.parse(until),
    }))
    compiled.set(platform, blocked)
  }
  return blocked
}
