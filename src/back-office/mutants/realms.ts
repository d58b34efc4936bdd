import { z } from 'zod'
import {
  type RealmInput,
  type RealmItem,
  REALM_OPERATIONS,
} from '../../administration/operations.ts'
import {
  changed,
  instead,
  mutant,
  type OfficeMutant,
  worseFront,
  worsePlane,
} from './office-mutant.ts'

const USER = /\/v1\/tenants\/[a-z0-9-]+\/users\/([^/]+)$/
const aboutUser = z.looseObject({ user: z.string() })

/** A tag of nothing but what users of two tenants can have in common. */
async function tagOf(answer: Response): Promise<string> {
  const { id, revision } = z
    .looseObject({ id: z.string(), revision: z.number() })
    .parse(await answer.clone().json())
  return `"${id}-${revision}"`
}

/** Ways in which what is one realm's would be another's. */
export const REALM_MUTANTS: readonly OfficeMutant[] = [
  mutant(
    'ca-realm-let-in-by-one',
    'Whoever may change a realm lets people into it alone',
    ['ca-realm-let-in-alone'],
    worsePlane(({ realms }) => ({
      realms: instead(realms, {
        ask: (name, tenant, input, by) =>
          realms.ask(name, tenant, input, { ...by, kind: 'system' }),
      }),
    })),
  ),
  mutant(
    'ca-realm-not-asked',
    'Users are found by their ids alone, in whichever realm they are',
    ['ca-realm-user-elsewhere'],
    worsePlane(({ realms }, { world }) => ({
      realms: instead(realms, {
        ask: (name, tenant, input, by) => {
          const about = aboutUser.safeParse(input)
          const realm = about.success ? world.users.realmOf(about.data.user) : undefined
          return realms.ask(name, realm ?? tenant, input, by)
        },
      }),
    })),
  ),
  mutant(
    'ca-realm-cursor-not-bound',
    'Cursors of users say where a page begins, and nothing else',
    ['ca-realm-cursor'],
    worsePlane(({ realms }) => ({
      realms: instead(realms, {
        list: async (name, tenant, filter, { limit, cursor }, by) => {
          const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString()
          const all = await realms.list(name, tenant, filter, { limit: 500 }, by)
          const keyOf = REALM_OPERATIONS[name].keyOf as (item: RealmItem<typeof name>) => string
          const later = all.items.filter((item) => keyOf(item) > after)
          const items = later.slice(0, limit)
          const last = items.at(-1)
          const next = last === undefined ? '' : Buffer.from(keyOf(last)).toString('base64url')
          return { items, next: later.length > limit ? next : undefined }
        },
      }),
    })),
  ),
  mutant(
    'ca-realm-tags-ignored',
    'Conditions on users are not looked at',
    ['ca-realm-tag-older', 'ca-realm-tag-elsewhere'],
    worseFront(async (request, api) =>
      api(
        USER.test(new URL(request.url).pathname)
          ? changed(request, { 'if-match': undefined })
          : request,
      ),
    ),
  ),
  mutant(
    'ca-realm-tags-of-ids',
    "Tags of users are made of id and revision, whose realm's they are left out",
    ['ca-realm-tag-elsewhere'],
    worseFront(async (request, api) => {
      if (!USER.test(new URL(request.url).pathname)) return api(request)
      const condition = request.headers.get('if-match')
      const tagged = async (answer: Response) => {
        if (!answer.ok || request.method === 'DELETE') return answer
        const headers = new Headers(answer.headers)
        headers.set('etag', await tagOf(answer))
        return new Response(answer.body, { status: answer.status, headers })
      }
      if (request.method !== 'PATCH' || condition === null) return tagged(await api(request))
      const reading = new Headers(request.headers)
      for (const name of ['if-match', 'content-type', 'content-length']) reading.delete(name)
      const now = await api(new Request(request.url, { headers: reading }))
      const meant = now.ok && condition === (await tagOf(now))
      return tagged(await api(meant ? changed(request, { 'if-match': undefined }) : request))
    }),
  ),
  mutant(
    'ca-realm-unregistered',
    'Realms are administered of whatever name, tenant or not',
    ['ca-realm-of-operators'],
    worsePlane(({ realms }, { world }) => ({
      realms: instead(realms, {
        ask: (name, tenant, input) => world.users.ask(name, tenant, input),
        list: async (name, tenant, filter, { limit }) => {
          const asked = { ...filter, limit } as RealmInput<typeof name>
          const { items } = await world.users.ask(name, tenant, asked)
          return { items, next: undefined }
        },
      }),
    })),
  ),
]
