import type { TenantId } from '../../core/tenant.ts'
import type { Heard } from '../../strikes/wire.ts'
import { CLOSED } from '../house/ground.ts'
import type { Passing } from '../house/fronted.ts'
import type { Plane } from '../house/plane.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { formIn, placeOf, worseFront } from './worse-front.ts'

const isThere = async (plane: Plane, tenant: TenantId, name: string) =>
  (await plane.identity.parts.directory.findBySignInName(tenant, name)) !== undefined

/** Says so, below what the page says anyway, where there is nobody of that name. */
function told(paths: RegExp, nameIn: (said: Passing) => string | null) {
  return worseFront(async (said, pass, plane) => {
    const place = placeOf(said)
    const name = nameIn(said)
    const heard = await pass(said)
    if (place === undefined || name === null || !paths.test(said.target)) return heard
    if (await isThere(plane, place.tenant, name)) return heard
    return withText(heard, '<p>There is no such user.</p>')
  })
}

const withText = (heard: Heard, text: string): Heard => ({ ...heard, body: `${heard.body}${text}` })
const typedName = (said: Passing) => formIn(said).get('name')

export const TOLD_EXISTENCE: readonly RealmMutant[] = [
  mutant(
    'id-told-after-name',
    'Who types a name that is not there is told so',
    ['id-exists-after-name'],
    told(/\/identifier$/, typedName),
  ),
  mutant(
    'id-told-after-password',
    'A wrong password and a name that is not there are told apart',
    ['id-exists-after-password'],
    told(/\/password$/, typedName),
  ),
  mutant(
    'id-told-by-hint',
    'A hint at somebody who is not there is left out of the page',
    ['id-exists-by-hint'],
    worseFront(async (said, pass, plane) => {
      const place = placeOf(said)
      const heard = await pass(said)
      const hint = /name="name"[^>]*value="([^"]+)"/.exec(heard.body)?.[1]
      if (place === undefined || hint === undefined) return heard
      if (await isThere(plane, place.tenant, hint)) return heard
      return { ...heard, body: heard.body.replace(`value="${hint}"`, 'value=""') }
    }),
  ),
  mutant(
    'id-told-by-recovery',
    'Recovery says when it knows nobody of that name',
    ['id-exists-by-recovery'],
    told(/\/recover$/, typedName),
  ),
  mutant(
    'id-hash-spared',
    'For a name that is not there no password is hashed',
    ['id-exists-by-work'],
    {
      mounted: ({ services }, { directory }) => {
        const { signIn } = services
        const password = signIn.password.bind(signIn)
        signIn.password = async (attempt, name, typed) => {
          const account = await directory.findBySignInName(attempt.tenant, name)
          return account === undefined ? { kind: 'refused' } : password(attempt, name, typed)
        }
      },
    },
  ),
  mutant(
    'id-told-which-client',
    'A client that is not there is told from one with a wrong secret',
    ['id-exists-client'],
    worseFront(async (said, pass, plane) => {
      const place = placeOf(said)
      const heard = await pass(said)
      const sent = said.headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? ''
      const [client = ''] = Buffer.from(sent.replace('Basic ', ''), 'base64').toString().split(':')
      if (place === undefined || heard.status !== 401) return heard
      const found = await plane.identity.parts.clients.find(place.tenant, client)
      return found === undefined ? { ...heard, status: 404 } : heard
    }),
  ),
  mutant(
    'id-told-closed',
    'A realm that is closed says so',
    ['id-exists-closed-realm'],
    worseFront(async (said, pass) => {
      const heard = await pass(said)
      return placeOf(said)?.tenant === CLOSED ? { ...heard, status: 503 } : heard
    }),
  ),
]
