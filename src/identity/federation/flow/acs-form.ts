import type { IncomingMessage } from 'node:http'
import { messageOf } from '../../../core/errors.ts'
import { demand, FederationRefusal } from '../refusal.ts'
import { RESPONSE_CHARACTERS_MAX } from '../saml/verify-response.ts'

const TYPE = /^application\/x-www-form-urlencoded(?:\s*;|$)/i
/** Each of `+/=` takes three characters in a form. */
const FORM_BYTES_MAX = RESPONSE_CHARACTERS_MAX * 1.2 + 4_096

export interface AcsForm {
  readonly samlResponse: string
  readonly relayState: string | undefined
}

/** What a provider's page posted. @throws FederationRefusal `response_malformed` */
export async function readAcsForm(request: IncomingMessage): Promise<AcsForm> {
  demand(TYPE.test(request.headers['content-type'] ?? ''), 'response_malformed', 'not a form')
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      demand(bytes <= FORM_BYTES_MAX, 'response_malformed', 'the form is too large')
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof FederationRefusal) throw error
    throw new FederationRefusal('response_malformed', messageOf(error), error)
  }
  const fields = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  const [samlResponse, ...more] = fields.getAll('SAMLResponse')
  demand(
    samlResponse !== undefined && more.length === 0,
    'response_malformed',
    'not exactly one response',
  )
  const relayStates = fields.getAll('RelayState')
  demand(relayStates.length <= 1, 'response_malformed', 'several RelayStates')
  return { samlResponse, relayState: relayStates[0] }
}
