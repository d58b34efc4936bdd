import { RingfenceError } from '../../core/errors.ts'
import { call } from '../../http/call.ts'
import { parseOutsideUrl } from '../../http/outside-url.ts'
import type { Receiver } from './receiver.ts'
import { signWebhook, type WebhookSecret } from './standard-webhooks.ts'

const TIMEOUT_MS = 15_000

export interface WebhookOptions {
  /** Stable name of this receiver: `webhook`. */
  readonly name: string
  /** `https://…`, or `http://` to the same machine. */
  readonly url: string
  /** Signs with each, so that a secret can be replaced while both are known. */
  readonly secrets: readonly WebhookSecret[]
}

/**
 * Signed webhooks (Standard Webhooks). The body is `{type, timestamp, data}`. A 2xx is delivered, 410
 * means never again; anything else, a redirect too, is tried again.
 */
export function webhookReceiver({ name, url, secrets }: WebhookOptions): Receiver {
  const { origin, pathname, search } = parseOutsideUrl(url)
  if (secrets.length === 0) {
    throw new RingfenceError('invalid_argument', 'webhooks are signed: give a secret')
  }
  return {
    name,
    deliver: async ({ id, type, data }) => {
      const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data })
      const { status } = await call(origin, {
        method: 'POST',
        path: `${pathname}${search}`,
        headers: { 'content-type': 'application/json', ...signWebhook(secrets, id, body) },
        body,
        timeoutMs: TIMEOUT_MS,
      })
      if (status >= 200 && status < 300) return undefined
      if (status === 410) throw new RingfenceError('conflict', 'the receiver wants no more (410)')
      throw new RingfenceError('engine_unavailable', `the receiver answered ${status}`)
    },
  }
}
