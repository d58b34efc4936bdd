import { readFile, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { axios, Client, crypto as acme } from 'acme-client'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { CertificateAuthority } from './certificate-authority.ts'

export interface AcmeOptions {
  /** `https://acme-v02.api.letsencrypt.org/directory`, or another's. */
  readonly directoryUrl: string
  /** PEM; made, for our own user alone, if it is not there. */
  readonly accountKeyFile: string
  /** Whom the authority writes to. */
  readonly email?: string
  /** For authorities that ask for it: who we are to them (RFC 8555, section 7.3.4). */
  readonly binding?: { readonly kid: string; readonly hmacKey: string }
  /** Who vouches for an authority that the world does not know, as PEM. */
  readonly ca?: string
  /** Between two looks at an order. Milliseconds. Default 5,000. */
  readonly pollMs?: number
}

const POLL_MS = 5_000
const ATTEMPTS = 10

/**
 * Certificates by ACME (RFC 8555), a host each, shown to be ours over plain HTTP (`http-01`). Who
 * configures it agrees to the authority's terms.
 */
export async function acmeAuthority(options: AcmeOptions): Promise<CertificateAuthority> {
  const { directoryUrl, accountKeyFile, email, binding, pollMs = POLL_MS } = options
  if (options.ca !== undefined) {
    // Its client has one agent for all: a process has one authority.
    axios.defaults.httpsAgent = new Agent({ ca: options.ca })
  }
  const client = new Client({
    directoryUrl,
    accountKey: await readOrMakeKey(accountKeyFile),
    ...(binding === undefined ? {} : { externalAccountBinding: binding }),
    backoffAttempts: ATTEMPTS,
    backoffMin: pollMs,
    backoffMax: pollMs * ATTEMPTS,
  })
  return {
    async obtain(host, challenges) {
      const key = await acme.createPrivateEcdsaKey('P-256')
      const [, csr] = await acme.createCsr({ commonName: host, altNames: [host] }, key)
      try {
        const chain = await client.auto({
          csr,
          ...(email === undefined ? {} : { email }),
          termsOfServiceAgreed: true,
          challengePriority: ['http-01'],
          // Whether we reach ourselves from here says nothing about whether the authority does.
          skipChallengeVerification: true,
          challengeCreateFn: (authorization, { token }, answer) =>
            challenges.put({ host: authorization.identifier.value, token, answer }),
          challengeRemoveFn: (_authorization, { token }) => challenges.remove(token),
        })
        return { key: key.toString(), chain }
      } catch (error) {
        throw new RingfenceError(
          'upstream_failed',
          `no certificate for ${host}: ${messageOf(error)}`,
        )
      }
    },
  }
}

async function readOrMakeKey(path: string): Promise<string> {
  const made = await acme.createPrivateEcdsaKey('P-256')
  try {
    await writeFile(path, made, { mode: 0o600, flag: 'wx', flush: true })
    return made.toString()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new RingfenceError('not_writable', `cannot write ${path}: ${messageOf(error)}`)
    }
  }
  return readFile(path, 'utf8')
}
