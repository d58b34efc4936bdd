import type { GrantConfig } from '../../contracts/grant.ts'
import { parseSubject } from '../../core/names.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { saidIn } from '../attacks/actors.ts'
import type { Pieces } from '../house/pieces.ts'
import { PERSON } from '../house/party.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { formIn, placeOf, withForm, worseFront } from './worse-front.ts'

type Claims = Readonly<Record<string, unknown>>

const HOUR_MS = 3_600_000

/** Who exchanges a token is who the token says, and the grant is made to fit. */
function fitting(
  change: (grant: GrantConfig, claims: Claims) => Partial<GrantConfig>,
): Pick<Pieces, 'front' | 'grants'> {
  let claims: Claims = {}
  return {
    ...worseFront((said, pass) => {
      const token = formIn(said).get('subject_token')
      if (token !== null) claims = saidIn(token)
      return pass(said)
    }),
    grants: (grants) => ({
      find: async (grantor, id) => {
        const found = await grants.find(grantor, id)
        return found && { ...found, ...change(found, claims) }
      },
    }),
  }
}

/** Grants looked up in another way. */
function finding(
  find: (
    entry: { readonly grantor: TenantId; readonly grant: GrantConfig },
    at: TenantId,
  ) => GrantConfig | undefined,
): Pick<Pieces, 'grants'> {
  return {
    grants: (_grants, { given }) => ({
      find: async (at, id) => {
        const entry = given.get(id)
        return entry && find(entry, at)
      },
    }),
  }
}

const isDelegated = (said: Parameters<typeof formIn>[0]) => formIn(said).has('grant_id')

export const BELIEVED_DELEGATIONS: readonly RealmMutant[] = [
  mutant(
    'id-grant-to-the-tenant',
    'A grant to one user is for its whole tenant',
    ['id-grant-other-principal'],
    fitting((_grant, { sub }) => ({ subject: parseSubject(sub) })),
  ),
  mutant(
    'id-grant-to-the-name',
    'A grant is for the user of its name, in whichever realm',
    ['id-grant-other-tenant'],
    fitting((_grant, { tenant_id }) => ({ grantee: parseTenantId(tenant_id) })),
  ),
  mutant(
    'id-grant-by-id',
    'A grant is found by its id, whichever tenant gave it',
    ['id-grant-other-realm'],
    finding(({ grant }) => grant),
  ),
  mutant(
    'id-grant-both-ways',
    'A grant between two holds between both',
    ['id-grant-swapped'],
    finding(({ grantor, grant }, at) => {
      if (at === grantor) return grant
      return at === grant.grantee ? { ...grant, grantee: grantor, subject: PERSON } : undefined
    }),
  ),
  mutant(
    'id-grant-without-time',
    'A grant is looked up, and not its time',
    ['id-grant-out-of-time'],
    fitting(() => ({
      notBefore: new Date(0).toISOString(),
      expires: new Date(Date.now() + HOUR_MS).toISOString(),
    })),
  ),
  mutant(
    'id-grant-scopes-of-the-token',
    'A token under a grant may what the token before it may',
    ['id-grant-wider'],
    fitting(() => ({ scopes: ['read', 'write'] })),
  ),
  mutant(
    'id-grant-scopes-of-the-user',
    'A token under a grant may what the user may, whatever the token before it may',
    ['id-grant-wider'],
    worseFront(async (said, pass, plane) => {
      const token = formIn(said).get('subject_token')
      if (token === null || !isDelegated(said)) return pass(said)
      const { tenant_id, sub, act } = saidIn(token)
      if (act !== undefined) return pass(said)
      const { realms } = plane.identity
      const wide = await realms.issueFor(parseTenantId(tenant_id), parseSubject(sub))
      return pass(withForm(said, { subject_token: wide.access_token }))
    }),
  ),
  mutant(
    'id-grant-remembered',
    'A grant that was found once is not looked up again',
    ['id-grant-after-its-end'],
    {
      grants: (grants) => {
        const known = new Map<string, GrantConfig>()
        return {
          find: async (grantor, id) => {
            const found = known.get(id) ?? (await grants.find(grantor, id))
            if (found !== undefined) known.set(id, found)
            return found
          },
        }
      },
    },
  ),
  mutant(
    'id-grant-exchanged-on',
    'A token under a grant is one of the realm like any other',
    ['id-grant-passed-on'],
    worseFront(async (said, pass, plane) => {
      const place = placeOf(said)
      const token = formIn(said).get('subject_token')
      const { grant_id, grantee: _grantee, act: _act, ...claims } = saidIn(token)
      if (place === undefined || grant_id === undefined || isDelegated(said)) return pass(said)
      const key = await plane.identity.parts.keys.signing(place.tenant)
      const plain = { ...claims, sub: PERSON, sid: undefined }
      const subject_token = forge(key, headerOf(key, 'at+jwt'), plain)
      return pass(withForm(said, { subject_token }))
    }),
  ),
  mutant(
    'id-grant-told',
    'Why there is no token under a grant is said',
    ['id-grant-guessed'],
    worseFront(async (said, pass, plane) => {
      const heard = await pass(said)
      const id = formIn(said).get('grant_id') ?? ''
      if (heard.status === 200 || !plane.site.given.has(id)) return heard
      return { ...heard, body: JSON.stringify({ error: 'access_denied' }) }
    }),
  ),
]
