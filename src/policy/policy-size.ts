import { RingfenceError } from '../core/errors.ts'

/** Parts of all policies of a store: what one decision may take of everybody's time. */
const PARTS_MAX = 100_000
/** How deep a policy may nest: what evaluates it nests as deep. */
const DEPTH_MAX = 1_000

/**
 * Makes sure that policies in their JSON form are no more work than a gateway can do at a request.
 * @throws RingfenceError `invalid_argument`
 */
export function checkPolicySize(policies: readonly unknown[]): void {
  let parts = 0
  const open: { readonly value: unknown; readonly depth: number }[] = policies.map((value) => ({
    value,
    depth: 1,
  }))
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { value, depth } = one
    if (typeof value !== 'object' || value === null) continue
    parts += 1
    if (depth > DEPTH_MAX) throw refused('a policy nests too deeply')
    if (parts > PARTS_MAX) throw refused('its policies are too many, or too long')
    for (const inner of Object.values(value)) open.push({ value: inner, depth: depth + 1 })
  }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the policy store cannot be used: ${why}`)
}
