import { hash } from 'node:crypto'
import { AwsClient } from 'aws4fetch'
import type { Outside } from '../../alerts/outside.ts'
import type { SinkSecrets, SinkSettings } from './sink-settings.ts'
import { deliveryOf, linesOf, type Stream } from './stream.ts'

type Settings = Extract<SinkSettings, { kind: 's3' }>

/** Enough for every log, so that objects' names are in the order of their entries. */
const DIGITS = 15

/**
 * Objects of NDJSON in an S3-compatible bucket, named by log and range of indices:
 * `audit/tenant/acme/000000000000000-000000000000499.ndjson`. What is sent again is the same object.
 * @throws RingfenceError `invalid_argument` for an address that is not to be used
 */
export function s3Stream(
  { endpoint, region, bucket, prefix, format }: Settings,
  secrets: SinkSecrets<'s3'>,
  outside: Outside,
): Stream {
  const base = outside.url(endpoint.replace(/\/+$/, ''))
  const client = new AwsClient({ ...secrets, region, service: 's3', retries: 0 })
  return {
    most: { entries: 1_000, bytes: 4 * 1024 * 1024 },
    async deliver(batch) {
      const range = [batch.from, batch.to - 1].map((place) => String(place).padStart(DIGITS, '0'))
      const path = `${bucket}/${prefix}${batch.log}/${range.join('-')}.ndjson`
      const url = new URL(`${base.pathname.replace(/\/$/, '')}/${path}`, base)
      const body = linesOf(batch, format)
        .map((line) => `${line}\n`)
        .join('')
      const { headers } = await client.sign(url, {
        method: 'PUT',
        body,
        headers: {
          'content-type': 'application/x-ndjson',
          'x-amz-content-sha256': hash('sha256', body),
        },
      })
      const { status } = await outside.send(url, {
        ...{ method: 'PUT', body, headers: Object.fromEntries(headers) },
      })
      return { ...deliveryOf(status), stop: false }
    },
  }
}
