import type { GatewayCheck } from '../../gateway/check.ts'
import { unauthenticated } from '../../gateway/denial.ts'
import type { Revocation, RevocationSource } from '../../revocation/revocation.ts'
import type { Check } from '../../vending/checks.ts'
import { Refusal } from '../../vending/refusal.ts'
import { revocableOf } from '../../vending/revocable.ts'
import type { RevocationFollowing } from '../house/pieces.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

const DAY_SECONDS = 86_400

/** A list that knows nothing of one kind of revocation. */
function without(kind: Revocation['kind'], title: string): FrontDoorMutant {
  return mutant(`fd-revocations-without-${kind}`, title, [`fd-revoked-${kind}`], (pieces) => ({
    followRevocations: async (options) =>
      pieces.followRevocations({
        ...options,
        database: async (onNews) => {
          const { database } = options
          if (typeof database !== 'function') throw new TypeError('it follows a feed')
          const feed = await database(onNews)
          const known = async () =>
            (await feed.read()).filter(({ revocation }) => revocation.kind !== kind)
          return { read: known, close: () => feed.close() }
        },
      }),
  }))
}

/** A source that tells nobody of news. */
export function deafToRevocations(source: RevocationSource): RevocationSource {
  return {
    get known() {
      return source.known
    },
    revokes: (token) => source.revokes(token),
    find: (token) => source.find(token),
    onNews: () => undefined,
  }
}

/** In the place of the gateway's check: asks once for each token, as it verifies once. */
function asksOnce(): GatewayCheck {
  const good = new Set<string>()
  return {
    name: 'not-revoked',
    run({ token, claimed }, { revocations }) {
      if (claimed === undefined || good.has(token)) return
      const { tenant, id, session, subject, client, issuedAt } = claimed
      if (revocations.revokes({ tenant, id, session, subject, client, issuedAt })) {
        throw unauthenticated('revoked', true)
      }
      good.add(token)
    },
  }
}

/** In the place of vending's check: takes a context for as old as it is itself. */
const looksAtTheContext: Check = {
  name: 'context-not-revoked',
  stage: 'who',
  layer: 'context',
  run({ context }, { revocations }) {
    if (revocations.revokes({ ...revocableOf(context), issuedAt: context.issuedAt })) {
      throw new Refusal('invalid_grant', 'context', 'revoked')
    }
  },
}

const forADay = (following: RevocationFollowing): RevocationFollowing => ({
  ...following,
  limitSeconds: DAY_SECONDS,
})

/** What was revoked is not known, not asked, or not acted on. */
export const REVOCATION_MUTANTS: readonly FrontDoorMutant[] = [
  without('token', 'Revocations of single tokens passed over'),
  without('session', 'Revocations of sessions passed over'),
  without('subject', 'Revocations of users passed over'),
  without('client', 'Revocations of clients passed over'),
  without('tenant', 'Revocations of tenants passed over'),
  without('everything', 'Revocations of everything passed over'),
  mutant(
    'fd-revocations-asked-once',
    'The gateway asks once for each token whether it was revoked',
    ['fd-revoked-token', 'fd-revoked-session'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, asksOnce()) }),
  ),
  mutant(
    'fd-revocations-not-told-gateway',
    'The gateway not told of revocations: what is under way goes on',
    ['fd-revoked-under-way', 'fd-upgrade-revoked'],
    () => ({ gatewayRevocations: deafToRevocations }),
  ),
  mutant(
    'fd-revocations-not-told-vending',
    'Vending not told of revocations: leases live on',
    ['fd-revoked-lease'],
    () => ({ vendingRevocations: deafToRevocations }),
  ),
  mutant(
    'fd-revocations-by-context',
    'Vending takes a context for as old as it is itself, and not as its token',
    ['fd-revoked-context-later'],
    ({ vendingChecks }) => ({ vendingChecks: replaced(vendingChecks, looksAtTheContext) }),
  ),
  mutant(
    'fd-revocations-of-any-age',
    'A list of revocations believed for a day without a word',
    ['fd-revocations-held-back', 'fd-revocations-held-back-lease'],
    ({ revocationsFollowing }) => ({ revocationsFollowing: forADay(revocationsFollowing) }),
  ),
]
