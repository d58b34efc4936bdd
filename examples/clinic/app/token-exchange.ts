import http from 'node:http'
import https from 'node:https'
import { z } from 'zod'

/** Where the vending service listens. With a socket path, the URL's host is only a name. */
export interface VendingAddress {
  readonly url: string
  readonly socketPath?: string | undefined
}

const leaseSchema = z.object({
  lease_id: z.string().min(1),
  /** Seconds that the login still works. */
  lease_duration: z.number().positive(),
  data: z.object({
    host: z.string(),
    port: z.int(),
    user: z.string(),
    password: z.string(),
    database: z.string(),
  }),
})

/** A database login for one tenant. */
export type Lease = z.output<typeof leaseSchema>

/** The vending service will not exchange this token: it has ended, was revoked or is not one. */
export class TokenRefused extends Error {
  readonly status: 401 | 403

  constructor(status: 401 | 403) {
    super('the token was refused')
    this.status = status
  }
}

/** The vending service gave no usable answer. */
export class VendingUnavailable extends Error {}

const TIMEOUT_MS = 5000
const ANSWER_BYTES_MAX = 65_536

/**
 * Exchanges a tenant context token for a database login (OAuth 2.0 token exchange, RFC 8693).
 * @throws TokenRefused, VendingUnavailable
 */
export async function exchangeToken(vending: VendingAddress, token: string): Promise<Lease> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    requested_token_type: 'urn:ringfence:params:token-type:postgres-credential',
    scope: 'write',
  })
  const { status, body } = await post(vending, form.toString()).catch((cause: unknown) => {
    throw new VendingUnavailable('the vending service does not answer', { cause })
  })
  if (status === 400 || status === 401) throw new TokenRefused(401)
  if (status === 403) throw new TokenRefused(403)
  if (status !== 200) throw new VendingUnavailable(`the vending service answered ${status}`)
  try {
    return leaseSchema.parse(JSON.parse(body))
  } catch {
    // The cause is left out: it could quote the login.
    throw new VendingUnavailable('the vending service answered with something else than a lease')
  }
}

function post(vending: VendingAddress, form: string): Promise<{ status: number; body: string }> {
  const url = new URL('/v1/token', vending.url)
  const { request } = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      socketPath: vending.socketPath,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(form),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    call.on('error', reject)
    call.on('response', (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('error', reject)
      answer.on('data', (chunk: string) => {
        body += chunk
        if (body.length > ANSWER_BYTES_MAX) answer.destroy(new Error('the answer is too long'))
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    call.end(form)
  })
}
