import { tokenOf } from '../../src/gateway/door.test-support.ts'
import type { Heard } from '../../src/strikes/wire.ts'
import type { NginxFrontOptions } from './nginx-front.ts'
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

type NginxAttack = ProxyAttack<NginxFrontOptions>

const REMEMBERED: NginxFrontOptions = { authorizer: { remembered: true } }

/** Something is asked that is not what was just decided about. */
function reused(
  title: string,
  part: string,
  ask: (site: ProxySite, token: string) => Promise<Heard>,
  claims: Readonly<Record<string, unknown>> = {},
): NginxAttack {
  return {
    title: `a decision used for ${title}`,
    options: REMEMBERED,
    careless: instead(`${part}\\n`, ''),
    async run(site) {
      const token = tokenOf('acme', claims)
      await secondBegins()
      await site.ask({ target: TARGET, token })
      return (await ask(site, token)).status === 200
    },
  }
}

/** So that two requests after it are in one. */
async function secondBegins(): Promise<void> {
  while (Date.now() % 1000 > 200) await new Promise((resolve) => setTimeout(resolve, 10))
}

export const NGINX_ATTACKS: readonly NginxAttack[] = [
  {
    title: 'a caller that says itself from where it calls',
    careless: without(/proxy_set_header ringfence-original-address [^;]*;/),
    run: saysItself(['Ringfence-Original-Address', '192.0.2.7']),
  },
  {
    title: 'a caller that asks the authorizer itself',
    careless: without(/internal;/),
    async run({ ask }) {
      const { headers } = await ask({ target: '/.ringfence/authorize', token: tokenOf('acme') })
      return headers.some(([name]) => name === 'problem' || name.startsWith('ringfence-'))
    },
  },
  {
    title: 'fields that services believe',
    careless: without(/proxy_pass_request_headers off;/),
    run: believedFields,
  },
  {
    title: 'a target with a host of its own',
    careless: without(/if \(\$request !~ [^}]*\}/),
    async run(site) {
      const text = await site.raw(
        `GET http://globex.example${TARGET} HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer ${tokenOf('acme')}\r\nConnection: close\r\n\r\n`,
      )
      return text.startsWith('HTTP/1.1 200') || arrived(site)
    },
  },
  {
    title: 'no question, because it was left out',
    careless: without(/auth_request \/[^;]*;/),
    run: unasked,
  },
  {
    title: 'a service that speaks in the name of the gateway',
    careless: without(/proxy_hide_header ringfence-tenant;/),
    run: speaksForTheGateway,
  },
  {
    title: 'a body over HTTP/2 of which nobody was told',
    options: { tls: true },
    careless: without('if ($ringfence_bodiless) { return 418; }'),
    run: bodyUnsaid,
  },
  reused('whoever has no token', '$http_authorization', ({ ask }) => ask({ target: TARGET })),
  reused("another tenant's token", '$http_authorization', ({ ask }) =>
    ask({ target: TARGET, token: tokenOf('globex') }),
  ),
  reused('another host', '$http_host', ({ ask }, token) =>
    ask({ target: TARGET, token, host: 'globex.example' }),
  ),
  reused('another path', '$request_uri', ({ ask }, token) =>
    ask({ target: '/t/globex/clinic/x', token }),
  ),
  reused(
    'another method',
    '$request_method',
    ({ ask }, token) => ask({ method: 'DELETE', target: TARGET, token }),
    { scope: 'read' },
  ),
  reused('another address', '$remote_addr', async (site, token) => {
    // The only other one of this machine: the same decision, and not the same place.
    site.source.change('acme', { network: { deny: ['127.0.0.2'] } })
    return site.ask({ target: TARGET, token, from: '127.0.0.2' })
  }),
  {
    ...reused('a token that comes with a proof', '', ({ ask }, token) =>
      ask({ target: TARGET, token, headers: [['DPoP', 'x']] }),
    ),
    careless: instead(/\$http_dpop(?:\\n| )/g, ''),
  },
  {
    title: 'a decision used when the token is revoked, later than the second in which it was made',
    options: REMEMBERED,
    careless: (text) =>
      instead(
        '$time_iso8601\\n',
        '',
      )(text).replace(
        'proxy_cache ringfence_decisions;',
        'proxy_cache ringfence_decisions; proxy_cache_valid 200 1m; proxy_ignore_headers X-Accel-Expires;',
      ),
    async run(site) {
      const token = tokenOf('acme', { sid: 'a-session' })
      await site.ask({ target: TARGET, token })
      site.revocations.revoke({ kind: 'everything', at: new Date() })
      const second = Math.floor(Date.now() / 1000)
      while (Math.floor(Date.now() / 1000) < second + 2) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const { status } = await site.ask({ target: TARGET, token })
      return status === 200
    },
  },
]
