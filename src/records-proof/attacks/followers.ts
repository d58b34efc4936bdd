import { setTimeout } from 'node:timers/promises'
import type { Conversation } from '../../strikes/wire.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { claimsOf, type Duel } from '../duel.ts'
import { entryOf } from '../house/furnish.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'
import { auditLine } from './journals.ts'

const read = attackOf('read')
const LOOKS = 1_000
const LOOK_MS = 5

/** An entry of the follower's tenant, signed for. @returns its id */
async function enter(duel: Duel): Promise<string> {
  const entry = entryOf(duel.attacker)
  const { status } = await duel.journal(duel.own, 'gateway', [auditLine(entry)])
  must(status === 204, 'enter something')
  await duel.plane.site.logs.sign()
  return entry.id
}

/** The connection may be kept for another request. */
function hasEnded({ closed, text }: Conversation): boolean {
  return closed || text.endsWith('\r\n0\r\n\r\n')
}

async function until(holds: () => boolean): Promise<boolean> {
  for (let looks = 0; looks < LOOKS && !holds(); looks += 1) await setTimeout(LOOK_MS)
  return holds()
}

/**
 * Somebody of the attacker's tenant who follows its log, and then may not any more: what is entered from
 * then on is the tenant's, and not this one's to read.
 */
function following(
  id: string,
  title: string,
  takeBack: (duel: Duel, token: string) => void,
): RecordsAttack {
  return read(id, title, async (duel) => {
    const context = await duel.context(duel.attacker)
    const { jti } = claimsOf(context)['origin'] as { readonly jti: string }
    const follower = duel.plane.follow(
      duel.wire,
      `GET /ringfence/audit/follow HTTP/1.1\r\nHost: records.test\r\n${CONTEXT_HEADER}: ${context}\r\n\r\n`,
    )
    await until(() => follower.text.includes('retry:') || hasEnded(follower))
    const early = await enter(duel)
    must(await until(() => follower.text.includes(early)), 'follow its log')
    return {
      owner: 'who might follow was told of an entry',
      attempt: async () => {
        takeBack(duel, jti)
        const late = await enter(duel)
        await until(() => hasEnded(follower) || follower.text.includes(late))
        const crossed = !hasEnded(follower) || follower.text.includes(late)
        return { crossed, met: crossed ? 'the stream went on' : 'the stream ended' }
      },
    }
  })
}

export const FOLLOWERS: readonly RecordsAttack[] = [
  following('rc-follow-revoked', 'Go on following when the token was taken back', (duel, token) => {
    duel.ground.revoked.add(token)
    duel.afterwards(async () => duel.ground.revoked.delete(token))
  }),
  following('rc-follow-suspended', 'Go on following when the tenant was suspended', (duel) => {
    const { tenant } = duel.attacker
    duel.ground.suspended.add(tenant)
    duel.afterwards(async () => duel.ground.suspended.delete(tenant))
  }),
]
