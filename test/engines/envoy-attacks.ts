import { proxyUpstreams } from '../../src/external-authorization/proxy-upstreams.ts'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import type { EnvoyFrontOptions } from './envoy-front.ts'
import {
  arrived,
  believedFields,
  bodyUnsaid,
  instead,
  type ProxyAttack,
  saysItself,
  speaksForTheGateway,
  TARGET,
  unasked,
  without,
} from './proxy-attacks.ts'
import type { ProxySite } from './proxy-site.ts'

/** One of what the list says, or all of it on a careless configuration. */
export interface EnvoyAttack extends ProxyAttack<EnvoyFrontOptions> {
  /** Checks of the gateway that would notice too. */
  readonly leftOut?: readonly string[]
  /** How Envoy asks, where the attack is on one way of asking only. */
  readonly only?: 'grpc' | 'http'
}

const both =
  (...changes: readonly ((text: string) => string)[]) =>
  (text: string) =>
    changes.reduce((changed, change) => change(changed), text)

/** Nothing is taken away before anybody reads it. */
const nothingStripped = instead(
  /"remove_on_match": \{\s*"key_matcher": \{\s*"safe_regex": \{\s*"regex": "[^"]*"/g,
  '"remove_on_match": { "key_matcher": { "safe_regex": { "regex": "nothing"',
)
const flag = (name: string, value: string, instead_: string) =>
  instead(`"${name}": ${value}`, `"${name}": ${instead_}`)

/** A path that is another one once a reader has put it in order. */
function reordered(path: string, careless: (text: string) => string): Omit<EnvoyAttack, 'title'> {
  return {
    careless,
    async run(site) {
      await site.ask({ target: path, token: tokenOf('acme') })
      return arrived(site)
    },
  }
}

const keyOf = ({ source }: ProxySite) => proxyUpstreams(source.current().platform)[0]?.key ?? ''

export const ENVOY_ATTACKS: readonly EnvoyAttack[] = [
  {
    title: 'a caller that says itself from where it calls',
    careless: both(
      nothingStripped,
      instead(
        '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
        '%REQ(ringfence-original-address)%',
      ),
    ),
    only: 'http',
    run: saysItself(['Ringfence-Original-Address', '192.0.2.7']),
  },
  {
    title: 'fields that services believe',
    careless: nothingStripped,
    leftOut: ['strip-trusted'],
    run: believedFields,
  },
  {
    title: 'fields with underscores that services read as hyphens',
    careless: both(flag('headers_with_underscores_action', '"REJECT_REQUEST"', '"ALLOW"')),
    leftOut: ['strip-trusted'],
    async run(site) {
      const headers = [['Acting_For', 'globex']] as const
      await site.ask({ target: TARGET, token: tokenOf('acme'), headers })
      return JSON.stringify(site.service.seen[0]?.headers ?? {}).includes('globex')
    },
  },
  {
    title: 'a target with a host of its own',
    careless: flag('allow_absolute_url', 'false', 'true'),
    async run(site) {
      const text = await site.raw(
        `GET http://api.example${TARGET} HTTP/1.1\r\nHost: globex.example\r\nAuthorization: Bearer ${tokenOf('acme')}\r\nConnection: close\r\n\r\n`,
      )
      return text.startsWith('HTTP/1.1 200') || arrived(site)
    },
  },
  {
    title: 'dot segments that are put in order before anybody decides',
    ...reordered('/t/globex/../acme/clinic/x', flag('normalize_path', 'false', 'true')),
  },
  {
    title: 'empty segments that are put in order before anybody decides',
    ...reordered('/t/acme//clinic/x', flag('merge_slashes', 'false', 'true')),
  },
  {
    title: 'slashes in disguise that are undone before anybody decides',
    ...reordered(
      '/t/acme%2Fclinic/x',
      flag('path_with_escaped_slashes_action', '"REJECT_REQUEST"', '"UNESCAPE_AND_FORWARD"'),
    ),
  },
  {
    title: 'no question, because it was left out',
    careless: (text) => {
      const filters = '"http_filters": ['
      const [before = '', after = ''] = text.split('"name": "envoy.filters.http.ext_authz"')
      const start = before.lastIndexOf('{')
      const end = after.indexOf('"name": "envoy.filters.http.buffer"')
      if (!before.includes(filters) || end < 0) throw new Error('there is no such filter')
      return before.slice(0, start) + after.slice(after.lastIndexOf('{', end), after.length)
    },
    run: unasked,
  },
  {
    title: 'nobody there to ask, and a caller that says itself where it goes',
    careless: both(nothingStripped, flag('failure_mode_allow', 'false', 'true')),
    async run(site) {
      await site.front.closeAuthorizer()
      await site.ask({ target: TARGET, headers: [['Ringfence-Upstream', keyOf(site)]] })
      return arrived(site)
    },
  },
  {
    title: 'a service that speaks in the name of the gateway',
    careless: nothingStripped,
    run: speaksForTheGateway,
  },
  {
    title: 'a body over HTTP/2 of which nobody was told',
    options: { tls: true },
    only: 'http',
    careless: instead('%PROTOCOL%', 'HTTP/1.1'),
    run: bodyUnsaid,
  },
  {
    title: 'a caller over TLS who names no host and says that it came without',
    options: { tls: true },
    only: 'grpc',
    careless: without(/"scheme_header_transformation": \{[^}]*\},/),
    async run({ wire, address }) {
      const { status } = await wire.askHttp2(
        { ...address, tls: {} },
        {
          ':scheme': 'http',
          ':authority': 'acme.example',
          ':path': '/clinic/x',
          authorization: `Bearer ${tokenOf('acme')}`,
        },
      )
      return status === 200
    },
  },
]
