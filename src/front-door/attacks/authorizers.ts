import { randomBytes } from 'node:crypto'
import { guardrailSchema } from '../../contracts/guardrail.ts'
import { limitSchema } from '../../contracts/limit.ts'
import { networkSchema } from '../../contracts/network.ts'
import { upstreamSchema } from '../../contracts/upstream.ts'
import type { Heard, Wire } from '../../strikes/wire.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Duel } from '../duel.ts'
import { PROXY_SECRET } from '../house/beside.ts'
import { accessToken } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { CLINIC, PLATFORM_HOST } from '../house/ground.ts'
import { type Settings, withTenant } from '../house/settings.ts'
import { type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { bearer, byPath } from './calls.ts'
import { owning } from './upstreams.ts'

export type Fields = readonly (readonly [string, string])[]

interface Question {
  readonly target: string
  readonly method?: string
  /** From where the proxy says that it came. */
  readonly address?: string
  readonly secrets?: readonly string[]
  /** What the caller sent, and what the proxy says besides. */
  readonly fields?: Fields
}

/** What nginx asks of the authorizer about a request, before it passes it on. */
export async function asks(wire: Wire, door: Door, question: Question): Promise<Heard> {
  const { target, method = 'GET', address = '192.0.2.7', fields = [] } = question
  const { secrets = [PROXY_SECRET] } = question
  return wire.ask(await door.authorizer(), {
    target: '/nginx',
    headers: [
      ['Host', 'authorizer'],
      ...secrets.map((secret) => ['ringfence-proxy-secret', secret] as const),
      ['ringfence-original-method', method],
      ['ringfence-original-uri', target],
      ['ringfence-original-host', PLATFORM_HOST],
      ['ringfence-original-scheme', 'http'],
      ['ringfence-original-address', address],
      ['ringfence-original-request-id', randomBytes(16).toString('hex')],
      ...fields,
    ],
  })
}

/** True for a request that may go on, with the context that the proxy is to add. */
const goesOn = ({ status, headers }: Heard) =>
  status === 200 && headers.some(([name]) => name === CONTEXT_HEADER)

/** Through a proxy, where the victim is served. */
async function served(duel: Duel, door: Door): Promise<string> {
  const { victim, own, ownMark } = duel
  const fields = bearer(await accessToken(victim))
  const target = `${byPath(victim).prefix}/records/${ownMark}`
  must(goesOn(await asks(own, door, { target, fields })), 'be let through by another proxy')
  return 'the owner is let through by another proxy'
}

interface Plan {
  readonly settings?: (settings: Settings, duel: Duel) => Settings
  /** Default: the attacker's own. */
  readonly whose?: 'attacker' | 'victim'
  readonly questions: (path: (inside: string) => string) => readonly Question[]
}

/** What no other proxy may pass on: by its own doing, or because only the gateway can do it. */
function throughProxy(id: string, title: string, plan: Plan): FrontDoorAttack {
  return staged({ id, title, kind: 'read', references: ['HT-2'] }, async (duel) => {
    const { house, wire, mark } = duel
    const owner = await served(duel, await duel.branch({}))
    return {
      owner,
      async attempt() {
        const settings = plan.settings?.(house.settings, duel) ?? house.settings
        const door = await duel.branch({ settings })
        const party = duel[plan.whose ?? 'attacker']
        const token = bearer(await accessToken(party))
        const path = (inside: string) => `${byPath(party).prefix}${inside}/${mark}`
        const heard: Heard[] = []
        for (const { fields = [], ...question } of plan.questions(path)) {
          heard.push(await asks(wire, door, { ...question, fields: [...token, ...fields] }))
        }
        return { crossed: heard.some(goesOn), met: `asked by a proxy: ${statusesOf(heard)}` }
      },
    }
  })
}

const changed =
  (change: Parameters<typeof withTenant>[2]) =>
  (settings: Settings, { attacker }: Duel) =>
    withTenant(settings, attacker, change)

/** A platform's upstream of a kind, in the place of one server. */
function ofKind(more: object) {
  return (settings: Settings, { house }: Duel): Settings => {
    const servers = [{ url: house.upstream.url }]
    const upstreams = [upstreamSchema.parse({ name: CLINIC, servers, ...more })]
    return { ...settings, platform: { ...settings.platform, upstreams } }
  }
}

/** What it finds is counted, and goes on. */
const COUNTING = guardrailSchema.parse({
  ...{ name: 'talk', apis: ['talk'], direction: 'request' },
  rules: [{ kind: 'pii', find: ['ssn'], action: 'flag' }],
})

const UPGRADE: Fields = [
  ['ringfence-original-connection', 'upgrade'],
  ['ringfence-original-upgrade', 'websocket'],
  ['sec-websocket-version', '13'],
  ['sec-websocket-key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
]

/** Another proxy carries the bytes, and asks: what it could be made to pass on, and by whom. */
export const AUTHORIZERS: readonly FrontDoorAttack[] = [
  throughProxy('fd-proxy-without-secret', 'Asking in the place of a proxy, for a context', {
    questions: (path) =>
      [[], [''], [PROXY_SECRET.slice(0, -1)], [PROXY_SECRET, PROXY_SECRET]].map((secrets) => ({
        target: path('/records'),
        secrets,
      })),
  }),
  throughProxy(
    'fd-proxy-address',
    "A caller's own word beside the proxy's on where it calls from",
    {
      whose: 'victim',
      settings: (settings, { victim }) =>
        withTenant(settings, victim, { network: networkSchema.parse({ allow: ['192.0.2.0/24'] }) }),
      questions: (path) => [
        {
          target: path('/records'),
          address: '198.51.100.7',
          fields: [
            ['ringfence-original-address', '192.0.2.7'],
            ['x-forwarded-for', '192.0.2.7'],
            ['x-real-ip', '192.0.2.7'],
          ],
        },
      ],
    },
  ),
  throughProxy('fd-proxy-upgrade', 'A WebSocket by a proxy, which nobody could end', {
    questions: (path) => [{ target: path('/live'), fields: UPGRADE }],
  }),
  throughProxy('fd-proxy-endpoint', 'What the gateway answers itself, passed on to a service', {
    questions: (path) => {
      const own = path('').slice(0, path('').lastIndexOf('/'))
      const metadata = `/.well-known/oauth-protected-resource${own}/mcp`
      return [{ target: `${own}/mcp`, method: 'POST' }, { target: metadata }]
    },
  }),
  throughProxy('fd-proxy-short-path', 'A path below which a browser would keep cookies for all', {
    settings: (settings) => ({
      ...settings,
      platform: {
        ...settings.platform,
        services: settings.platform.services.map((one) => ({ ...one, prefix: '/' })).slice(0, 1),
      },
    }),
    questions: (path) => [{ target: path('').slice(0, path('').lastIndexOf('/')) }],
  }),
  throughProxy(
    'fd-proxy-own-upstream',
    "A tenant's own upstream, which a proxy would look up itself",
    {
      settings: (settings, { attacker }) => owning(settings, attacker, 'https://crm.example.com'),
      questions: (path) => [{ target: path('/records') }],
    },
  ),
  throughProxy('fd-proxy-shards', 'Servers that are some tenants’ alone, chosen by a proxy', {
    settings: ofKind({ shard: 1 }),
    questions: (path) => [{ target: path('/records') }],
  }),
  throughProxy('fd-proxy-limits', 'Limits that count until the end, where nobody tells the end', {
    settings: changed({
      limits: [limitSchema.parse({ kind: 'concurrency', name: 'few', per: 'tenant', requests: 1 })],
    }),
    questions: (path) => [{ target: path('/records') }],
  }),
  throughProxy('fd-proxy-guardrails', 'A body that a guardrail looks at, passed on unseen', {
    // Where it would hold something back, fields of the request are changed as well, which is refused.
    settings: (settings) => ({
      ...settings,
      platform: { ...settings.platform, guardrails: [COUNTING] },
    }),
    questions: (path) => [
      {
        target: path('/talk'),
        method: 'POST',
        fields: [['ringfence-original-content-length', '9']],
      },
    ],
  }),
]
