import { RingfenceError } from '../core/errors.ts'
import { signWebhook, type WebhookSecret } from '../http/standard-webhooks.ts'
import type { AlertSink } from './alert-sink.ts'
import type { Owner } from './alert.ts'
import type { Outside } from './outside.ts'

export interface WebhookSinkOptions {
  readonly owner: Owner
  readonly name: string
  readonly url: string
  /** Signs with each, so that a secret can be replaced while both are known. */
  readonly secrets: readonly WebhookSecret[]
  readonly outside: Outside
  readonly now?: () => Date
}

/**
 * Signed webhooks (Standard Webhooks), `{type: 'alert.firing' | 'alert.resolved', timestamp, data}`. A
 * 2xx is delivered, 410 means never again; anything else, a redirect too, is tried again.
 * @throws RingfenceError `invalid_argument` for an address or secrets that are not to be used
 */
export function webhookSink(options: WebhookSinkOptions): AlertSink {
  const { owner, name, secrets, outside, now = () => new Date() } = options
  const url = outside.url(options.url)
  if (secrets.length === 0) {
    throw new RingfenceError('invalid_argument', 'webhooks are signed: give a secret')
  }
  return {
    owner,
    name,
    async deliver(notice) {
      const type = notice.firing.length > 0 ? 'alert.firing' : 'alert.resolved'
      const body = JSON.stringify({ type, timestamp: notice.at, data: notice })
      const { status } = await outside.send(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...signWebhook(secrets, notice.id, body, now()),
        },
        body,
      })
      checkStatus(status)
    },
  }
}

/** @throws RingfenceError unless it says that the notice was taken */
export function checkStatus(status: number): void {
  if (status >= 200 && status < 300) return
  if (status === 410) throw new RingfenceError('conflict', 'the receiver wants no more (410)')
  throw new RingfenceError('engine_unavailable', `the receiver answered ${status}`)
}
