import { setTimeout as sleep } from 'node:timers/promises'
import { supportSchema, type WireSupport } from '../control/api/schemas.ts'
import { needsConsent, needsSecondPerson } from '../core/support-terms.ts'
import type { Console } from './console.ts'
import type { ControlClient } from './control-client.ts'
import { pathOf } from './control-command.ts'

const LOOK_MS = 1_000

/** Who has not agreed yet, in words; empty when nobody is waited for. */
export function waitsFor({ state, policy, alone }: WireSupport): string {
  const waiting = state === 'requested' || state === 'approved' || state === 'consented'
  const parties = [
    needsSecondPerson(policy) && !alone && state !== 'approved' ? 'a second person' : undefined,
    needsConsent(policy) && state !== 'consented' ? 'the tenant' : undefined,
  ]
  return waiting ? parties.filter((one) => one !== undefined).join(' and ') : ''
}

/** The access when nobody is waited for any more: it is active, or over. */
export async function untilActive(
  client: ControlClient,
  asked: WireSupport,
  console: Console,
  lookMs = LOOK_MS,
): Promise<WireSupport> {
  let access = asked
  let told = ''
  for (let who = waitsFor(access); who !== ''; who = waitsFor(access)) {
    if (who !== told) console.err(`${access.id}: waits for ${who}, until ${access.decide_by}\n`)
    told = who
    await sleep(lookMs)
    access = await client.get(pathOf('support', access.id), supportSchema)
  }
  return access
}
