import { z } from 'zod'
import { RingfenceError } from '../../../core/errors.ts'
import { parseSubject, type Subject } from '../../../core/names.ts'
import { parsed } from '../../../core/parsed.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import type { ConnectionId } from '../connection/connection-id.ts'
import { hashOf, newSecretValue } from './secret-value.ts'

/** How long somebody may take at the provider. */
export const REQUEST_SECONDS = 600
/** How long the browser may take for the last redirect. */
const FINISH_SECONDS = 120
/** How many sign-ins one interaction may have begun at once. */
const OPEN_MAX = 20

/** What an answer is held to. It is bound to a realm, a connection, an interaction and a browser. */
export interface SentRequest {
  readonly interaction: string
  readonly nonce: string | undefined
  readonly codeVerifier: string | undefined
  /** SAML: the id of the AuthnRequest. */
  readonly messageId: string | undefined
}

/** A sign-in that succeeded and waits for the browser to come back to its interaction. */
export interface FinishedRequest {
  readonly interaction: string
  readonly outcome: Outcome
}

/** Who it was. */
export interface Outcome {
  readonly subject: Subject
  /** The user was made just now. */
  readonly isNew: boolean
  /** How the provider proved it, as far as the connection trusts it in that. */
  readonly amr: readonly string[]
}

const outcomeSchema = z.strictObject({
  subject: parsed(parseSubject),
  isNew: z.boolean(),
  amr: z.array(z.string()),
})

/** Of a browser and its answer: both secrets, of which the database knows hashes only. */
export interface RequestKey {
  /** What goes to the provider and comes back: `state`, or RelayState. */
  readonly state: string
  /** What only this browser's cookie holds. */
  readonly binding: string
}

/** Sign-ins under way. Each is answered once, in the realm, connection and browser where it began. */
export class RequestStore {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  /** @throws RingfenceError `rate_limited` when the interaction has begun too many */
  async begin(
    tenant: TenantId,
    connection: ConnectionId,
    key: RequestKey,
    request: SentRequest,
  ): Promise<void> {
    const entered = await this.#database.query(
      `insert into identity.federation_request (tenant, state_sha256, connection, binding_sha256,
         interaction, nonce, code_verifier, message_id, expires_at)
       select $1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9)
       where (select count(*) from identity.federation_request
              where tenant = $1 and interaction = $5 and expires_at > now()) < $10
       returning tenant`,
      [
        tenant,
        hashOf(key.state),
        connection,
        hashOf(key.binding),
        request.interaction,
        request.nonce ?? null,
        request.codeVerifier ?? null,
        request.messageId ?? null,
        REQUEST_SECONDS,
        OPEN_MAX,
      ],
    )
    if (entered.length === 0) {
      throw new RingfenceError('rate_limited', 'too many sign-ins were begun: wait a while')
    }
  }

  /** The request that this answers, once: it is used up, whatever comes of the answer. */
  async take(
    tenant: TenantId,
    connection: ConnectionId,
    key: RequestKey,
  ): Promise<SentRequest | undefined> {
    const [row] = await this.#database.query<{
      interaction: string
      nonce: string | null
      code_verifier: string | null
      message_id: string | null
    }>(
      `update identity.federation_request set stage = 'taken'
       where tenant = $1 and state_sha256 = $2 and connection = $3 and binding_sha256 = $4
         and stage = 'sent' and expires_at > now()
       returning interaction, nonce, code_verifier, message_id`,
      [tenant, hashOf(key.state), connection, hashOf(key.binding)],
    )
    if (row === undefined) return undefined
    return {
      interaction: row.interaction,
      nonce: row.nonce ?? undefined,
      codeVerifier: row.code_verifier ?? undefined,
      messageId: row.message_id ?? undefined,
    }
  }

  /** Records who it was. Returns the ticket by which the same browser finishes. */
  async succeed(tenant: TenantId, key: RequestKey, outcome: Outcome): Promise<string> {
    const ticket = newSecretValue()
    const found = await this.#database.query(
      `update identity.federation_request set stage = 'done', state_sha256 = $3, outcome = $4,
         expires_at = now() + make_interval(secs => $5)
       where tenant = $1 and state_sha256 = $2 and binding_sha256 = $6 and stage = 'taken'
       returning tenant`,
      [
        tenant,
        hashOf(key.state),
        hashOf(ticket),
        JSON.stringify(outcome),
        FINISH_SECONDS,
        hashOf(key.binding),
      ],
    )
    if (found.length === 0) throw new RingfenceError('conflict', 'the sign-in is over')
    return ticket
  }

  /** The end of it, once and only for the interaction that it began in. */
  async finish(
    tenant: TenantId,
    connection: ConnectionId,
    ticket: RequestKey,
    interaction: string,
  ): Promise<FinishedRequest | undefined> {
    const [row] = await this.#database.query<{ outcome: unknown }>(
      `delete from identity.federation_request
       where tenant = $1 and state_sha256 = $2 and connection = $3 and binding_sha256 = $4
         and interaction = $5 and stage = 'done' and expires_at > now()
       returning outcome`,
      [tenant, hashOf(ticket.state), connection, hashOf(ticket.binding), interaction],
    )
    if (row === undefined) return undefined
    return { interaction, outcome: outcomeSchema.parse(row.outcome) }
  }

  async deleteExpired(): Promise<void> {
    await this.#database.query('delete from identity.federation_request where expires_at < now()')
  }
}
