import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Authority } from '../directory/directory.ts'
import type { RealmClient } from './realm-clients.ts'

/** What was read of the realm's records while one request is served, and the reason why it failed. */
export interface RequestFacts {
  /** The clients that were looked up, by id. Built-in ones are not here. */
  readonly clients: Map<string, RealmClient>
  /** What the user at hand may, once it is known. */
  authority?: Authority
  /** A JWT that a client asks about or revokes: the provider is given a handle in its place. */
  structured?: string
  failure?: unknown
}

const factsOf = new WeakMap<object, RequestFacts>()

/** Of one request; nothing of it is left when the request is over. */
export function requestFacts(ctx: KoaContextWithOIDC): RequestFacts {
  // The provider makes more than one context of a request.
  const known = factsOf.get(ctx.req)
  if (known !== undefined) return known
  const facts: RequestFacts = { clients: new Map() }
  factsOf.set(ctx.req, facts)
  return facts
}
