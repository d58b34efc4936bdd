import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { RingfenceError } from '../core/errors.ts'
import { headersOf } from '../gateway/headers.ts'
import { ENVOY_PATH } from './envoy-asking.ts'
import type { EnvoyQuestion } from './envoy-question.ts'
import { said, saidHead } from './nginx-question.ts'

/** Whether Envoy asks over plain HTTP: with the path of the request behind one of its own. */
export function asksAsEnvoy({ url = '' }: Pick<IncomingMessage, 'url'>): boolean {
  return url.startsWith(`${ENVOY_PATH}/`)
}

/**
 * The request that Envoy asks about over plain HTTP: by its method, its path behind `ENVOY_PATH`, its
 * fields, and what Envoy says beside them.
 * @throws RingfenceError `invalid_argument` for what the generated Envoy would not say
 */
export function envoyHttpQuestion({
  method,
  url = '',
  rawHeaders,
}: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>): EnvoyQuestion {
  if (method === undefined || !asksAsEnvoy({ url })) {
    throw new RingfenceError('invalid_argument', 'nothing is asked here')
  }
  const line = { method, target: url.slice(ENVOY_PATH.length) }
  const asked = headersOf(rawHeaders)
  return {
    requestId: randomUUID(),
    protocol: said(asked, 'protocol'),
    head: saidHead(asked, line),
  }
}
