import { BLOCKED_CHECK } from './blocked-check.ts'
import type { GatewayCheck } from './check.ts'
import { malformed, unauthenticated } from './denial.ts'
import { valuesOf } from './headers.ts'
import { parseHost } from './host.ts'
import { parseTarget } from './target.ts'
import { asksToUpgrade, isHandshake } from './upgrade.ts'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** What every reader on the way must understand alike. No tenant has been looked at yet. */
export const FORM_CHECKS: readonly GatewayCheck[] = [
  BLOCKED_CHECK,
  {
    name: 'method',
    run({ head }) {
      if (!METHODS.has(head.method)) throw malformed('method not served')
    },
  },
  {
    name: 'no-upgrade',
    run(exchange) {
      if (!asksToUpgrade(exchange) || isHandshake(exchange.head.method, exchange.incoming)) return
      throw malformed('an upgrade that is no WebSocket')
    },
  },
  {
    name: 'framing',
    // Node's parser refuses most of what desynchronises readers; an unusual coding it lets through.
    run({ incoming }) {
      const codings = valuesOf(incoming, 'transfer-encoding')
      const lengths = valuesOf(incoming, 'content-length')
      const chunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked'
      if (codings.length > 0 && !chunked) throw malformed('transfer coding not served')
      if (codings.length + lengths.length > 1) throw malformed('its length is given twice')
    },
  },
  {
    name: 'one-host',
    run({ incoming }) {
      const values = valuesOf(incoming, 'host')
      if (values.length !== 1 || parseHost(values[0] ?? '') === undefined) {
        throw malformed('not one plain host')
      }
    },
  },
  {
    name: 'plain-target',
    run({ head }) {
      if (parseTarget(head.target) === undefined) throw malformed('not a plain target')
    },
  },
  {
    name: 'no-token-in-query',
    run({ target }) {
      const mayHave = target.query.includes('access_token') || target.query.includes('%')
      if (mayHave && new URLSearchParams(target.query).has('access_token')) {
        throw malformed('a token in the query')
      }
    },
  },
  {
    name: 'one-authorization',
    run({ incoming, token }) {
      if (valuesOf(incoming, 'authorization').length > 1) {
        throw unauthenticated('several authorizations', true)
      }
      if (token === '') throw unauthenticated('no bearer token', false)
    },
  },
]
