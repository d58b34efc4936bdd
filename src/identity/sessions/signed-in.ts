import { createHash } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import { parseSubject, type Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Artifact, ArtifactKey } from '../provider/artifact-store.ts'
import { deviceName } from './device-name.ts'

const USER_AGENT_CHARACTERS_MAX = 500
const ADDRESS_CHARACTERS_MAX = 100

/** What a session has to do with one client. */
export interface ClientState {
  readonly sid: string
  /** Null while the client was let in for nothing yet. */
  readonly grant: string | null
}

/** A session as the provider is about to keep it, when somebody is signed in. */
export interface SignedIn {
  readonly tenant: TenantId
  readonly id: string
  readonly subject: Subject
  /** The hash of what the cookie holds. */
  readonly cookie: string
  readonly device: string
  readonly userAgent: string | undefined
  readonly address: string | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  /** Seconds since 1970. */
  readonly signedInAt: number
  /** How long it is kept when nothing more comes. */
  readonly seconds: number
  /** By which connection to the tenant's own provider somebody has signed in just now. */
  readonly connection: string | undefined
  readonly clients: Readonly<Record<string, ClientState>>
}

/** Undefined for a session in which nobody is signed in. */
export function signedIn(key: ArtifactKey, artifact: Artifact): SignedIn | undefined {
  const { payload, seconds, device, address, connection } = artifact
  const { uid, accountId, loginTs, acr, amr, authorizations = {} } = payload
  if (accountId === undefined || uid === undefined || loginTs === undefined) return undefined
  return {
    tenant: key.tenant,
    id: uid,
    subject: parseSubject(accountId),
    cookie: cookieHash(key.id),
    device: deviceName(device),
    userAgent: device?.slice(0, USER_AGENT_CHARACTERS_MAX) || undefined,
    address: address?.slice(0, ADDRESS_CHARACTERS_MAX) || undefined,
    acr,
    amr: amr ?? [],
    signedInAt: loginTs,
    // The provider gives every session an end.
    seconds: seconds ?? 1,
    connection,
    clients: Object.fromEntries(
      Object.entries(authorizations).flatMap(([client, { sid, grantId }]) =>
        sid === undefined ? [] : [[client, { sid, grant: grantId ?? null }]],
      ),
    ),
  }
}

/** Names what a cookie holds; nobody can make the cookie from it. */
export function cookieHash(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}

/** The same client states, in whatever order they come. */
export function sameClients(a: SignedIn['clients'], b: SignedIn['clients']): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => a[name]?.sid === b[name]?.sid && a[name]?.grant === b[name]?.grant)
  )
}

/** A session as far as its record knows it, for the provider: enough to see whether a token may go on. */
export function payloadOf(record: {
  readonly id: string
  readonly subject: string
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly signed_in_at: Date
  readonly expires_at: Date
  readonly clients: SignedIn['clients']
}): AdapterPayload {
  const { id, subject, acr, amr, clients } = record
  return {
    kind: 'Session',
    uid: id,
    accountId: subject,
    amr: [...amr],
    ...(acr === null ? {} : { acr }),
    loginTs: seconds(record.signed_in_at),
    iat: seconds(record.signed_in_at),
    exp: seconds(record.expires_at),
    authorizations: Object.fromEntries(
      Object.entries(clients).map(([client, { sid, grant }]) => [
        client,
        { sid, ...(grant === null ? {} : { grantId: grant }) },
      ]),
    ),
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
