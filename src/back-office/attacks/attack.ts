import { type StagedAttack, staged as stagedIn, statusesOf } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'

export type OfficeAttack = StagedAttack<Duel>

export const staged: typeof stagedIn<Duel> = stagedIn

/** Everything of an answer that could tell something: not its time, nor the id of the request. */
export function tellingOf({ status, headers, body }: Heard): string {
  const telling = headers.filter(([name]) => !['date', 'x-request-id'].includes(name))
  return JSON.stringify([status, telling, body.replace(/"request_id":"[^"]*"/, '')])
}

export function statusOf(heard: Heard): string {
  return statusesOf([heard])
}

export type { AttackFacts, Outcome } from '../../strikes/staged-attack.ts'
export { justMet, noneMay } from '../../strikes/staged-attack.ts'
