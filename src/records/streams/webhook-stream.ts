import { createHash } from 'node:crypto'
import type { Outside } from '../../alerts/outside.ts'
import { signWebhook, type WebhookSecret } from '../../http/standard-webhooks.ts'
import type { SinkSettings } from './sink-settings.ts'
import { deliveryOf, linesOf, type Stream } from './stream.ts'

type Settings = Extract<SinkSettings, { kind: 'webhook' }>

/**
 * Signed webhooks (Standard Webhooks), `{type: 'audit.entries', timestamp, data: {log, from, to, items}}`.
 * What is sent again has the same id. 410 means never again.
 * @throws RingfenceError `invalid_argument` for an address that is not to be used
 */
export function webhookStream(
  { url: text, format }: Settings,
  secret: WebhookSecret,
  outside: Outside,
): Stream {
  const url = outside.url(text)
  return {
    most: { entries: 200, bytes: 256 * 1024 },
    async deliver(batch) {
      const { log, from, to } = batch
      const head = JSON.stringify({ log, from, to }).slice(0, -1)
      const timestamp = new Date().toISOString()
      const items = linesOf(batch, format).join(',')
      const body = `{"type":"audit.entries","timestamp":"${timestamp}","data":${head},"items":[${items}]}}`
      const id = `${from}-${to}-${createHash('sha256').update(log).digest('hex').slice(0, 16)}`
      const { status } = await outside.send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signWebhook([secret], id, body) },
        body,
      })
      return deliveryOf(status)
    },
  }
}
