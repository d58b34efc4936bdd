import { randomUUID } from 'node:crypto'
import type { Revocation } from '../../revocation/revocation.ts'
import { seconds } from '../../strikes/forge.ts'
import type { Duel } from '../duel.ts'
import { accessToken, contextFor, USER } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { attack, type FrontDoorAttack, must, statusesOf } from './attack.ts'
import { bothWays, byPath, call, ownerGetsLease, ownerReads, vend } from './calls.ts'

const CLIENT = 'browser'
/** Longer than anybody may go without hearing what was revoked. Milliseconds. */
const SILENCE_MS = 400_000

type Kind = Revocation['kind']

/** What a kind of revocation says that takes everything from the attacker's user that it had. */
function revocationOf(kind: Kind, { attacker }: Duel, session: string, token: string): Revocation {
  const { tenant } = attacker
  const at = new Date()
  switch (kind) {
    case 'everything':
      return { kind, at }
    case 'tenant':
      return { kind, tenant, at }
    case 'subject':
      return { kind, tenant, id: USER, at }
    case 'client':
      return { kind, tenant, id: CLIENT, at }
    case 'session':
      return { kind, tenant, id: session, at }
    default:
      return { kind, tenant, id: token, at }
  }
}

function idOf(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return String((claims as { jti?: unknown } | null)?.jti)
}

/** A user goes on with a token that the gateway has accepted, and remembers, when it is taken back. */
function revokedToken(kind: Kind, title: string): FrontDoorAttack {
  return attack(
    { id: `fd-revoked-${kind}`, title, kind: 'read', references: ['JW-12'] },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const door = await duel.branch({})
        const session = randomUUID()
        const token = await accessToken(attacker, { session })
        const before = await call(wire, door, byPath(attacker), duel.ownMark, { token })
        must(before.status === 200, 'be served before')
        await door.revokes(revocationOf(kind, duel, session, idOf(token)))
        const heard = await Promise.all(
          bothWays(attacker).map((way) => call(wire, door, way, mark, { token })),
        )
        return { crossed: duel.reached, met: `after the revocation: ${statusesOf(heard)}` }
      },
    },
  )
}

/** Access that was taken away, and goes on all the same. */
export const REVOCATIONS: readonly FrontDoorAttack[] = [
  revokedToken('token', 'A token goes on that was revoked after it had been accepted'),
  revokedToken('session', 'A user who signed out goes on with a token of that session'),
  revokedToken('subject', 'A user who was taken away goes on with a token from before'),
  revokedToken('client', 'A client that was taken away goes on with a token from before'),
  revokedToken('tenant', 'A tenant all of whose tokens were revoked goes on with one of them'),
  revokedToken('everything', 'Somebody goes on with a token when everything was revoked'),
  attack(
    {
      id: 'fd-revoked-under-way',
      title: 'An answer that goes on coming after the token was revoked',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const door = await duel.branch({})
        const session = randomUUID()
        const token = await accessToken(attacker, { session })
        const answer = call(wire, door, byPath(attacker), mark, { token, resource: 'hold' })
        const [began] = house.upstream.received(mark)
        await door.until(() => began?.open === true || duel.reached)
        await door.revokes(revocationOf('session', duel, session, ''))
        house.upstream.release()
        const { body, status } = await answer
        return {
          crossed: body.includes('released'),
          met: `the answer that was under way: ${status}`,
        }
      },
    },
  ),
  attack(
    {
      id: 'fd-revoked-context',
      title: 'A context from before the revocation, exchanged after it',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { granted, status } = await afterRevocation(duel)
        return { crossed: granted, met: `after the revocation: ${status}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-revoked-context-later',
      title: 'A context that a gateway signed for a revoked token before it had heard of that',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { attacker, ground, wire } = duel
        const door = await duel.branch({})
        // Taken away a while ago: the context is younger, the token that it stands on is not.
        const at = new Date(Date.now() - 5_000)
        await door.revokes({ kind: 'subject', tenant: attacker.tenant, id: USER, at })
        const origin = { id: randomUUID(), client: CLIENT, issuedAt: secondsAgo(30) }
        const subject_token = await contextFor(ground, attacker, { origin })
        const { granted, heard } = await vend(wire, door, { fields: { subject_token } })
        return { crossed: granted, met: `a context that is younger: ${heard.status}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-revoked-lease',
      title: 'A lease that was given on behalf of a user who was taken away',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { live } = await afterRevocation(duel)
        return { crossed: live > 0, met: `${live} leases live on` }
      },
    },
  ),
  attack(
    {
      id: 'fd-revoked-lease-after-restart',
      title: 'A lease of a user who was taken away while vending did not run',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { attacker } = duel
        const { door } = await leasedDoor(duel)
        await door.restartVending(() =>
          door.revokes({ kind: 'subject', tenant: attacker.tenant, id: USER, at: new Date() }),
        )
        await door.settled()
        const live = door.ledger.live(attacker.tenant).length
        return { crossed: live > 0, met: `${live} leases live on after the restart` }
      },
    },
  ),
  attack(
    {
      id: 'fd-revocations-held-back',
      title: 'Revocations held back from the gateway for longer than it may not know of them',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const door = await silentDoor(duel)
        const token = await accessToken(attacker)
        const heard = await Promise.all(
          bothWays(attacker).map((way) => call(wire, door, way, mark, { token })),
        )
        return { crossed: duel.reached, met: `without knowing: ${statusesOf(heard)}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-revocations-held-back-lease',
      title: 'Revocations held back from vending for longer than it may not know of them',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const door = await silentDoor(duel)
        const subject_token = await contextFor(duel.ground, duel.attacker)
        const { granted, heard } = await vend(duel.wire, door, { fields: { subject_token } })
        return { crossed: granted, met: `without knowing: ${heard.status}` }
      },
    },
  ),
]

/** A front door that has heard nothing of revocations for too long. */
function silentDoor(duel: Duel): Promise<Door> {
  return duel.branch({ revocationsHeardAt: new Date(Date.now() - SILENCE_MS) })
}

function secondsAgo(count: number): Date {
  return new Date((seconds() - count) * 1000)
}

/** A door at which the attacker's user has a lease. */
async function leasedDoor(duel: Duel) {
  const { attacker, ground, wire } = duel
  const door = await duel.branch({})
  const origin = { id: randomUUID(), client: CLIENT, issuedAt: secondsAgo(10) }
  const subject_token = await contextFor(ground, attacker, { session: randomUUID(), origin })
  const before = await vend(wire, door, { fields: { subject_token } })
  must(before.granted, 'get a lease before')
  return { door, subject_token }
}

/** What a user who is taken away while it works still has and gets. */
async function afterRevocation(duel: Duel) {
  const { attacker, wire } = duel
  const { door, subject_token } = await leasedDoor(duel)
  const { tenant } = attacker
  await door.revokes({ kind: 'subject', tenant, id: USER, at: new Date() })
  await door.settled()
  const live = door.ledger.live(tenant).length
  const { granted, heard } = await vend(wire, door, { fields: { subject_token } })
  return { granted, status: heard.status, live }
}
