import { timingSafeEqual } from 'node:crypto'
import type { Form } from '../http/form.ts'
import { CLIENT_ASSERTION_TYPE } from '../tokens/client-assertion.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { OAuthError } from './oauth-error.ts'
import { type RealmClient, type RealmStore, sha256 } from './realm-store.ts'
import type { UsedOnce } from './used-once.ts'

/** What the hash of no secret is compared with, so that a wrong one and none take the same time. */
const NOBODYS_HASH = Buffer.alloc(32)
const BASIC = /^Basic ([A-Za-z0-9+/]{1,2000}={0,2})$/

export interface Authenticated {
  readonly client: string
  readonly entry: RealmClient
}

interface Tools {
  readonly store: RealmStore
  readonly used: UsedOnce
}

/**
 * Who a client is, by client_secret_basic or private_key_jwt: in one way, and the one that it is
 * registered for. A realm that there is not, a closed one, an unknown client, a wrong secret and a
 * replay are refused alike, after the same queries and comparisons.
 * @throws OAuthError `invalid_client`, `invalid_request`; RingfenceError `engine_unavailable`
 */
export async function authenticateClient(
  tenant: string,
  issuer: string,
  form: Form,
  authorization: string | undefined,
  { store, used }: Tools,
): Promise<Authenticated> {
  const assertion = form.get('client_assertion')
  if (form.get('client_secret') !== undefined) {
    throw new OAuthError('invalid_request', 'a secret in the body')
  }
  if (assertion !== undefined && authorization !== undefined) {
    throw new OAuthError('invalid_request', 'two ways to authenticate')
  }
  const found =
    assertion === undefined
      ? await bySecret(tenant, authorization, store)
      : await byAssertion(tenant, issuer, form, assertion, { store, used })
  const named = form.get('client_id')
  if (found?.entry.open !== true || (named !== undefined && named !== found.client)) {
    throw new OAuthError('invalid_client', 'not authenticated')
  }
  return found
}

async function bySecret(
  tenant: string,
  authorization: string | undefined,
  store: RealmStore,
): Promise<Authenticated | undefined> {
  const basic = basicOf(authorization)
  const entry = await store.client(tenant, basic?.client ?? '')
  const matches = timingSafeEqual(sha256(basic?.secret ?? ''), entry?.secretSha256 ?? NOBODYS_HASH)
  return matches && entry !== undefined && basic !== undefined
    ? { client: basic.client, entry }
    : undefined
}

async function byAssertion(
  tenant: string,
  issuer: string,
  form: Form,
  assertion: string,
  { store, used }: Tools,
): Promise<Authenticated | undefined> {
  if (form.get('client_assertion_type') !== CLIENT_ASSERTION_TYPE) return undefined
  const claimed = claimedIssuer(assertion)
  const entry = await store.client(tenant, claimed)
  const keys = new KeySet(entry?.keys ?? [])
  try {
    const client = await used.verify(assertion, issuer, () => keys, tenant)
    return entry === undefined ? undefined : { client, entry }
  } catch (error) {
    if (isInvalidToken(error)) return undefined
    throw error
  }
}

/** RFC 6749, section 2.3.1: name and secret are form-encoded before they are joined by a colon. */
function basicOf(
  authorization: string | undefined,
): { readonly client: string; readonly secret: string } | undefined {
  const encoded = BASIC.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('latin1')
  const cut = text.indexOf(':')
  if (cut < 1) return undefined
  try {
    const [client, secret] = [text.slice(0, cut), text.slice(cut + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    )
    if (client === undefined || secret === undefined || client.includes('\0')) return undefined
    return { client, secret }
  } catch {
    return undefined
  }
}

function claimedIssuer(assertion: string): string {
  try {
    const payload = Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()
    const { iss } = JSON.parse(payload) as { readonly iss?: unknown }
    return typeof iss === 'string' && !iss.includes('\0') ? iss.slice(0, 200) : ''
  } catch {
    return ''
  }
}

function isInvalidToken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'invalid_token'
}
