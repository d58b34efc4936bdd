import {
  type AttackFacts,
  type Outcome,
  type StagedAttack,
  staged as stagedIn,
  statusesOf,
} from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'

export type OfficeAttack = StagedAttack<Duel>

export const staged: typeof stagedIn<Duel> = stagedIn

/** What the attacker met, where no request may be carried out. */
export function noneMay(heard: readonly Heard[]): Outcome {
  return { crossed: heard.some(({ status }) => status < 400), met: statusesOf(heard) }
}

/** What the attacker met, where answers are good and hold nothing of anybody else's. */
export function justMet(heard: readonly Heard[]): Outcome {
  return { crossed: false, met: statusesOf(heard) }
}

/** An answer's JSON object; empty when it is none. */
export function bodyOf({ body }: Heard): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

export function headerOf({ headers }: Heard, name: string): string {
  return headers.find(([one]) => one === name)?.[1] ?? ''
}

/** Everything of an answer that could tell something: not its time, nor the id of the request. */
export function tellingOf({ status, headers, body }: Heard): string {
  const telling = headers.filter(([name]) => !['date', 'x-request-id'].includes(name))
  return JSON.stringify([status, telling, body.replace(/"request_id":"[^"]*"/, '')])
}

export type { AttackFacts, Outcome }

export function statusOf(heard: Heard): string {
  return statusesOf([heard])
}
