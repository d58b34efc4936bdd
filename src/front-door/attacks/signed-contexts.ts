import { decodeJwt } from 'jose'
import type { Received } from '../house/upstream.ts'
import { accessToken } from '../house/claims.ts'
import { tenantOf } from '../house/settings.ts'
import type { Duel } from '../duel.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { attack, type FrontDoorAttack, must } from './attack.ts'
import { byPath, call, ownerReads } from './calls.ts'

/** Contexts that were signed a moment ago, and go with another request than they were signed for. */
export const SIGNED_CONTEXTS: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-context-of-namesake',
      title: 'A user of the same name as the victim’s, who calls right after it',
      kind: 'read',
      references: ['JW-13', 'JW-10'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt({ attacker, wire, door, mark }) {
        const token = await accessToken(attacker)
        const { status } = await call(wire, door, byPath(attacker), mark, { token })
        must(status === 200, 'read its own record')
        return { crossed: false, met: `${status}, with the record of its own` }
      },
    },
  ),
  attack(
    {
      id: 'fd-context-of-wider-token',
      title: 'A token that may only read, right after one of the same user that may write',
      kind: 'write',
      references: ['JW-13', 'JW-10'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, mark, ownMark } = duel
        const wide = await accessToken(attacker)
        const narrow = await accessToken(attacker, { scopes: ['read'] })
        await reads(duel, ownMark, wide)
        await reads(duel, mark, narrow)
        return writes(duel, mark)
      },
    },
  ),
  attack(
    {
      id: 'fd-context-from-before-pause',
      title: 'A context from before a tenant’s move, with which its service could write in it',
      kind: 'write',
      references: ['JW-12', 'JW-10'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, ownMark } = duel
        const door = await duel.branch({})
        const token = await accessToken(attacker)
        const before = await call(wire, door, byPath(attacker), ownMark, { token })
        must(before.status === 200, 'be served before')
        const paused = tenantOf(attacker, { status: 'paused' })
        await door.sees(() => door.feed.publish({ tenants: [paused] }))
        const during = await call(wire, door, byPath(attacker), mark, { token })
        must(during.status === 200, 'read in the pause')
        return writes(duel, mark)
      },
    },
  ),
  attack(
    {
      id: 'fd-context-of-other-service',
      title: 'One user calls two services: each must get a context that is for it alone',
      kind: 'read',
      references: ['JW-8', 'JW-10'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, door, mark } = duel
        const token = await accessToken(attacker)
        for (const resource of ['echo', 'billing/echo']) {
          await call(wire, door, byPath(attacker), mark, { token, resource })
        }
        const services = contextsOf(duel, mark).map(({ claims }) => String(claims.aud))
        must(services.length === 2, 'be served by both')
        const crossed = new Set(services).size !== services.length
        return { crossed, met: `contexts for ${services.join(' and ')}` }
      },
    },
  ),
]

async function reads({ attacker, wire, door }: Duel, mark: string, token: string): Promise<void> {
  const { status } = await call(wire, door, byPath(attacker), mark, { token })
  must(status === 200, 'read its own record')
}

/** Crossed when a service could write with what came with a mark. */
function writes(duel: Duel, mark: string) {
  const scopes = contextsOf(duel, mark).map(({ claims }) => String(claims['scope']))
  must(scopes.length > 0, 'bring a context to the service')
  return {
    crossed: scopes.some((scope) => scope.includes('write')),
    met: `a context with the scope ${scopes.join(' and ')}`,
  }
}

function contextsOf({ house }: Duel, mark: string) {
  return house.upstream.received(mark).flatMap((received) => {
    const text = fieldOf(received, CONTEXT_HEADER)
    return text === undefined ? [] : [{ claims: decodeJwt(text) }]
  })
}

function fieldOf({ rawHeaders }: Received, name: string): string | undefined {
  const at = rawHeaders.findIndex((one, index) => index % 2 === 0 && one.toLowerCase() === name)
  return at === -1 ? undefined : rawHeaders[at + 1]
}
