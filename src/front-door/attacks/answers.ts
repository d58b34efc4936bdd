import { OF_THE_WHOLE_HOST } from '../../gateway/answer-scope.ts'
import type { Heard } from '../../strikes/wire.ts'
import { accessToken } from '../house/claims.ts'
import { attack, type FrontDoorAttack, must } from './attack.ts'
import { byHost, byPath, call, ownerReads, type Way } from './calls.ts'

/** What of an answer holds, in a browser, for a path of the same host that is not its tenant's. */
function reaching({ headers }: Heard, asked: Way, other: Way): readonly string[] {
  return headers.flatMap(([name, value]) => {
    if (OF_THE_WHOLE_HOST.has(name)) return [name]
    if (name === 'set-cookie' && goesTo(value, asked, other)) return ['set-cookie']
    const to =
      name === 'location' ? new URL(value, `http://${asked.host}${asked.prefix}/x/y`) : undefined
    return to?.pathname.startsWith(`${other.prefix}/`) === true ? ['location'] : []
  })
}

/** RFC 6265, sections 5.1.4 and 5.3: the last of several attributes counts. */
function goesTo(cookie: string, asked: Way, other: Way): boolean {
  const attributes = cookie
    .split(';')
    .slice(1)
    .map((part) => part.split('=').map((one) => one.trim()))
  const said = attributes.findLast(([name]) => name?.toLowerCase() === 'path')?.[1]
  const path = said?.startsWith('/') === true ? said : asked.prefix
  const wanted = `${other.prefix}/records`
  return wanted === path || wanted.startsWith(path.endsWith('/') ? path : `${path}/`)
}

/** What a tenant's service answers is for that tenant, also where a browser would take it for more. */
export const ANSWERS: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-answer-scope',
      title: "A service's cookies, redirects and fields for the whole host that tenants share",
      kind: 'write',
      references: ['HT-14', 'HT-7'],
    },
    {
      async owner(duel) {
        const { victim, own, door, ownMark } = duel
        await ownerReads(duel)
        const token = await accessToken(victim)
        const heard = await call(own, door, byHost(victim), ownMark, { token, resource: 'claim' })
        const keeps = heard.headers.some(
          ([name]) => name === '__host-session' || name === 'set-cookie',
        )
        must(heard.status === 302 && keeps, 'get the cookies of its service on its own host')
        return 'on its own host the owner gets its service’s cookies and fields as they are'
      },
      async attempt({ attacker, victim, wire, door, mark }) {
        const token = await accessToken(attacker)
        const [asked, other] = [byPath(attacker), byPath(victim)]
        const met: string[] = []
        for (const path of [
          '/',
          other.prefix,
          `${other.prefix}/records`,
          `/..${other.prefix}/x`,
          `../../../..${other.prefix}/x`,
          `.\\..\\..\\..${other.prefix}/x`,
        ]) {
          const named = `${mark}?path=${encodeURIComponent(path)}`
          const heard = await call(wire, door, asked, named, { token, resource: 'claim' })
          must(heard.status === 302, 'be answered by its service')
          met.push(...reaching(heard, asked, other))
        }
        return {
          crossed: met.length > 0,
          met:
            met.length > 0
              ? `holds for others: ${[...new Set(met)].join(', ')}`
              : 'its own path alone',
        }
      },
    },
  ),
]
