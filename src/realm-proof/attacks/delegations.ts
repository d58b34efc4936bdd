import { randomBytes } from 'node:crypto'
import { type GrantConfig, grantSchema } from '../../contracts/grant.ts'
import { DELEGATION_CLIENT } from '../../identity/provider/built-in-clients.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel, Query } from '../duel.ts'
import { NOVICE, type Party, PERSON } from '../house/party.ts'
import { attackOf, noneMay, type Outcome, type RealmAttack } from './attack.ts'
import { saidIn } from './actors.ts'
import { ACCESS_TOKEN, EXCHANGE } from './tokens.ts'
import { bodyOf } from '../../strikes/heard.ts'

const write = attackOf('write')
const HOUR_MS = 3_600_000
const moment = (ms: number) => new Date(Date.now() + ms).toISOString()

/** One tenant lets the user of another read, until the strike is over. Returns the grant's id. */
export function gives(
  duel: Duel,
  grantor: Party,
  grantee: Party,
  change: Readonly<Record<string, unknown>> = {},
): GrantConfig['id'] {
  const grant = grantSchema.parse({
    id: `gr-${randomBytes(16).toString('hex')}`,
    ...{ grantee: grantee.tenant, subject: PERSON, scopes: ['read'], bills: 'grantor' },
    ...{ apis: ['clinic'], actions: ['read'], resources: ['/'] },
    ...{ notBefore: moment(-HOUR_MS), expires: moment(HOUR_MS) },
    ...change,
  })
  const { given } = duel.plane.site
  given.set(grant.id, { grantor: grantor.tenant, grant })
  duel.afterwards(async () => void given.delete(grant.id))
  return grant.id
}

async function tokenOf(duel: Duel, { tenant }: Party, scopes = ['read', 'write']): Promise<string> {
  return (await duel.plane.identity.realms.issueFor(tenant, PERSON, { scopes })).access_token
}

/** Somebody's token of its own realm, for one of the realm that gave a grant. */
export function exchanges(
  duel: Duel,
  by: 'attacker' | 'owner',
  at: Party,
  subject_token: string,
  more: Query,
): Promise<Heard> {
  const says = by === 'owner' ? duel.ownerSays.bind(duel) : duel.says.bind(duel)
  const form = {
    ...{ grant_type: EXCHANGE, client_id: DELEGATION_CLIENT },
    ...{ subject_token, subject_token_type: ACCESS_TOKEN, ...more },
  }
  return says('POST', at, '/token', { form })
}

const scopesIn = (heard: Heard) => String(saidIn(bodyOf(heard)['access_token'])['scope']).split(' ')

interface Tried {
  readonly duel: Duel
  /** Of the attacker's user. */
  readonly token: string
  readonly use: (grant_id: string, more?: Query, at?: Party) => Promise<Heard>
}

/** The owner of what is tried is the victim's user, under a grant of the attacker's that is for it. */
function under(
  id: string,
  title: string,
  attempt: (tried: Tried) => Promise<Outcome>,
): RealmAttack {
  return write(id, title, async (duel) => {
    const { attacker, victim } = duel
    const own = gives(duel, attacker, victim)
    const good = await exchanges(duel, 'owner', attacker, await tokenOf(duel, victim), {
      grant_id: own,
    })
    must(good.status === 200, `exchange its token under a grant: ${good.body}`)
    const token = await tokenOf(duel, attacker)
    const use: Tried['use'] = (grant_id, more = {}, at = victim) =>
      exchanges(duel, 'attacker', at, token, { grant_id, ...more })
    return {
      owner: 'whoever a grant is for got a token under it',
      attempt: () => attempt({ duel, token, use }),
    }
  })
}

/** The attacker has used a grant of the victim's rightly, and goes on. */
function after(
  id: string,
  title: string,
  attempt: (duel: Duel, token: string, grant: string, got: string) => Promise<Outcome>,
): RealmAttack {
  return write(id, title, async (duel) => {
    const { attacker, victim } = duel
    const grant = gives(duel, victim, attacker)
    const token = await tokenOf(duel, attacker)
    const good = await exchanges(duel, 'owner', victim, token, { grant_id: grant })
    must(good.status === 200, 'get a token under a grant')
    // What it goes on to get rightly is recorded, too.
    duel.othersWork()
    const got = String(bodyOf(good)['access_token'])
    return {
      owner: 'whoever a grant is for got a token under it',
      attempt: () => attempt(duel, token, grant, got),
    }
  })
}

const third = ({ ground, attacker, victim }: Duel): Party => {
  const found = ground.parties.find((one) => one !== attacker && one !== victim)
  if (found === undefined) throw new Error('there are two realms only')
  return found
}

/** Tokens of one realm, for more than a grant of another realm's is. */
export const DELEGATIONS: readonly RealmAttack[] = [
  under(
    'id-grant-other-principal',
    'A grant to somebody else of the same tenant',
    async (tried) => {
      const { attacker, victim } = tried.duel
      const id = gives(tried.duel, victim, attacker, { subject: NOVICE })
      return noneMay([await tried.use(id)])
    },
  ),
  under('id-grant-other-tenant', 'A grant to the user of that name elsewhere', async (tried) => {
    const { duel, use } = tried
    return noneMay([await use(gives(duel, duel.victim, third(duel)))])
  }),
  under('id-grant-other-realm', 'A grant of one realm, at another', async ({ duel, use }) => {
    const { attacker, victim } = duel
    return noneMay([await use(gives(duel, third(duel), attacker), {}, victim)])
  }),
  under('id-grant-swapped', 'What one has given, as if one had got it', async ({ duel, use }) => {
    const { attacker, victim } = duel
    return noneMay([await use(gives(duel, attacker, victim), {}, victim)])
  }),
  under('id-grant-out-of-time', 'A grant before its time, and after', async ({ duel, use }) => {
    const { attacker, victim } = duel
    return noneMay([
      await use(gives(duel, victim, attacker, { expires: moment(-1_000) })),
      await use(gives(duel, victim, attacker, { notBefore: moment(HOUR_MS / 2) })),
    ])
  }),
  after(
    'id-grant-wider',
    'More scopes than the grant or the token has',
    async (duel, token, narrow) => {
      const { attacker, victim } = duel
      const wide = gives(duel, victim, attacker, { scopes: ['read', 'write'] })
      const reading = await tokenOf(duel, attacker, ['read'])
      const use = (of: string, grant_id: string, more: Query = {}) =>
        exchanges(duel, 'attacker', victim, of, { grant_id, ...more })
      const heard = [
        await use(token, narrow),
        await use(token, narrow, { scope: 'read write' }),
        await use(reading, wide),
        await use(reading, wide, { scope: 'write' }),
      ]
      const won = heard.filter((one) => one.status === 200 && scopesIn(one).includes('write'))
      return { crossed: won.length > 0, met: `${won.length} of ${heard.length} can write` }
    },
  ),
  under('id-grant-audience', 'A token under a grant, for somebody else', async ({ duel, use }) => {
    const { attacker, victim } = duel
    const id = gives(duel, victim, attacker)
    return noneMay([
      await use(id, { audience: 'https://another.example/' }),
      await use(id, { resource: 'https://another.example/' }),
      await use(id, { audience: attacker.issuer }),
    ])
  }),
  after(
    'id-grant-after-its-end',
    'A grant that was taken back, again',
    async (duel, token, grant_id) => {
      duel.plane.site.given.delete(grant_id)
      return noneMay([await exchanges(duel, 'attacker', duel.victim, token, { grant_id })])
    },
  ),
  after(
    'id-grant-passed-on',
    'What was got under a grant, exchanged',
    async (duel, _token, grant_id, got) => {
      const { victim } = duel
      const form = { grant_type: EXCHANGE, subject_token: got, subject_token_type: ACCESS_TOKEN }
      return noneMay([
        await exchanges(duel, 'attacker', victim, got, { grant_id }),
        await duel.client('attacker', victim, '/token', form),
      ])
    },
  ),
  under('id-grant-guessed', 'Which grants there are, by answers', async ({ duel, use }) => {
    const { victim } = duel
    const theirs = await use(gives(duel, victim, third(duel)))
    const none = await use(`gr-${randomBytes(16).toString('hex')}`)
    const differ = theirs.status !== none.status || theirs.body !== none.body
    return { crossed: differ, met: `${theirs.status} and ${none.status}` }
  }),
]
