import type { Batch } from '../journal/shipper.ts'
import { SendLater, SendLess } from '../journal/shipper.ts'
import { RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import { type Address, call } from '../http/call.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import type { SigningKey } from '../tokens/signing-key.ts'

export const JOURNAL_PATH = '/v1/journal'
export const NDJSON = 'application/x-ndjson'
/** Which of a plane's journals it is: `gateway-1`. */
export const SOURCE_HEADER = 'ringfence-source'
/** Up to when the journal is complete with this batch: an RFC 3339 time. */
export const COMPLETE_HEADER = 'ringfence-complete-to'
const TIMEOUT_MS = 20_000
const LATER_SECONDS = 1

export interface JournalSenderOptions {
  /** Where the records plane listens. */
  readonly records: Address
  /** Its id: the audience of our assertions. */
  readonly audience: string
  readonly client: ClientId
  readonly key: SigningKey
  /** Which of the plane's journals this is: it tells apart several processes of one plane. */
  readonly source: string
}

/** Sends batches of a journal to the records plane. For a `Shipper`. */
export function journalSender(options: JournalSenderOptions): (batch: Batch) => Promise<void> {
  const { records, audience, client, key, source } = options
  return async ({ lines, completeTo }) => {
    const answer = await call(records, {
      method: 'POST',
      path: JOURNAL_PATH,
      headers: {
        authorization: `Bearer ${await signClientAssertion(key, client, audience)}`,
        'content-type': NDJSON,
        [SOURCE_HEADER]: source,
        ...(completeTo === undefined
          ? {}
          : { [COMPLETE_HEADER]: new Date(completeTo).toISOString() }),
      },
      body: lines.map((line) => `${line}\n`).join(''),
      timeoutMs: TIMEOUT_MS,
    })
    if (answer.status === 204) return
    if (answer.status === 413) throw new SendLess('the records plane takes less at once')
    if (answer.status === 429 || answer.status === 503) {
      throw new SendLater(secondsOf(answer.headers['retry-after']), `status ${answer.status}`)
    }
    throw new RingfenceError('engine_unavailable', `the records plane answers ${answer.status}`)
  }
}

function secondsOf(header: string | readonly string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,4}$/.test(header) ? Number(header) : LATER_SECONDS
}
