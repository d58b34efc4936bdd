import type { Revocable } from '../revocation/revocation.ts'
import { sourceOf } from '../tokens/delegation.ts'
import type { Claimed } from './attempt.ts'

/** Stands for the client of work that comes from no access token. No client of a realm has this name. */
const JOBS = 'urn:ringfence:jobs'

/**
 * What of a context can be revoked: the access token that the request came with, however short a time
 * ago the context itself was signed; of a job, the context. Of a delegation, what it came of at home too.
 */
export function revocableOf(
  context: Pick<
    Claimed,
    'tenant' | 'subject' | 'session' | 'origin' | 'id' | 'issuedAt' | 'actor' | 'delegation'
  >,
): Revocable {
  const { tenant, subject, session, origin } = context
  const source = sourceOf(context)
  return {
    tenant,
    subject,
    session,
    id: origin?.id ?? context.id,
    client: origin?.client ?? JOBS,
    issuedAt: origin?.issuedAt ?? context.issuedAt,
    ...(source === undefined ? {} : { source }),
  }
}
