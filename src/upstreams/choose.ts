import type { TenantId } from '../core/tenant.ts'
import type { ServerState } from './server-state.ts'

export interface Candidate {
  /** Its share: 1 at least. */
  readonly weight: number
  readonly state: ServerState
}

/**
 * The less busy one of two that are drawn by weight (Mitzenmacher 2001), among those that do well. Those
 * that give bad answers are left out only while they are no more than half: what all say is not one
 * server's fault. Nor is what probes say of all of them.
 * @param tried taken again only when there is no other
 * @returns undefined when none can be reached
 */
export function choose<C extends Candidate>(
  candidates: readonly C[],
  tenant: TenantId,
  tried: readonly C[] = [],
  random: () => number = Math.random,
): C | undefined {
  const [only] = candidates
  if (candidates.length === 1 && only !== undefined) {
    return only.state.outFor(tenant) === 'broken' ? undefined : only
  }
  const reached: C[] = []
  const well: C[] = []
  let ejected = 0
  for (const one of candidates) {
    const out = one.state.outFor(tenant)
    if (out === 'broken') continue
    reached.push(one)
    if (out === 'ejected') ejected += 1
    else if (!one.state.isDown) well.push(one)
  }
  const isMany = ejected * 2 > candidates.length
  const best = isMany || well.length === 0 ? reached.filter(({ state }) => !state.isDown) : well
  const left = best.length > 0 ? best : reached
  const fresh = tried.length === 0 ? left : left.filter((one) => !tried.includes(one))
  return lessBusy(fresh.length > 0 ? fresh : left, random)
}

function lessBusy<C extends Candidate>(from: readonly C[], random: () => number): C | undefined {
  if (from.length < 2) return from[0]
  const one = drawn(from, undefined, random)
  const other = drawn(from, one, random)
  if (one === undefined || other === undefined) return one
  const isLess = other.state.active * one.weight < one.state.active * other.weight
  return isLess ? other : one
}

function drawn<C extends Candidate>(
  from: readonly C[],
  without: C | undefined,
  random: () => number,
): C | undefined {
  let all = -(without?.weight ?? 0)
  for (const { weight } of from) all += weight
  let at = random() * all
  let last: C | undefined
  for (const one of from) {
    if (one === without) continue
    last = one
    at -= one.weight
    if (at < 0) break
  }
  return last
}
