import type { Heard } from '../../strikes/wire.ts'
import type { Ask, Duel } from '../duel.ts'
import { putSinksBack, SINK } from '../house/furnish-outside.ts'
import { inboxMoved } from '../house/settled.ts'
import { must } from './attack.ts'

export const LOG_SINKS_AT = '/ringfence/audit/sinks'
export const ALERTS_AT = '/ringfence/alerts'
export const ALERT_SINKS_AT = '/ringfence/alerts/sinks'

/** Where a tenant reads what is wrong with it, and where that is told. */
export const TOLD_AT = [
  LOG_SINKS_AT,
  `${LOG_SINKS_AT}/${SINK}`,
  ALERTS_AT,
  ALERT_SINKS_AT,
  `${ALERT_SINKS_AT}/${SINK}`,
] as const

/** The owner reads where its log and its alerts go, and what fires. */
export async function ownerIsTold(duel: Duel): Promise<string> {
  const context = await duel.context(duel.victim)
  const { sinkCanary, usageCanary } = duel.victim
  for (const target of TOLD_AT) {
    const { status, body } = await duel.ownerSays('tenants', target, context)
    const canary = target === ALERTS_AT ? usageCanary : sinkCanary
    must(status === 200 && body.includes(canary), `read ${target}`)
  }
  return 'the owner read its sinks and its alerts'
}

/** A sink as somebody sends it. */
export function sending(body: unknown, method = 'PUT'): Ask {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method, headers: [['content-type', 'application/json']], body: text }
}

/** Puts everything back after the strike, and lets what was entered with it come to rest. */
export function putBackAfter(duel: Duel): void {
  const { site } = duel.plane
  duel.afterwards(async () => {
    await putSinksBack(site)
    await inboxMoved(site)
  })
}

/** The owner sets a sink: what is entered of it is in its log before anything is attempted. */
export async function ownerSets(duel: Duel, target: string, body: unknown): Promise<Heard> {
  const heard = await duel.ownerSays(
    'tenants',
    target,
    await duel.context(duel.victim),
    sending(body),
  )
  must(heard.status === 200, `set ${target}`)
  await inboxMoved(duel.plane.site)
  return heard
}
