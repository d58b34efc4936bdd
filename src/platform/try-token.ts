import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import { remoteRealms } from '../identity/remote-realms.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { socketPathIn } from './socket-path.ts'
import { IDENTITY_AUDIENCE, OPERATOR_CLIENT } from './write-planes.ts'

export interface TryTokenRequest {
  readonly subject: Subject
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  /** Default 300, at most 900. */
  readonly seconds?: number
}

/**
 * An access token of a tenant's realm, for trying things on the platform that runs on a state
 * directory. The user is entered in the realm if it is not there, with these scopes and roles.
 * @throws RingfenceError `engine_unavailable` when none runs there, `tenant_unknown`
 */
export async function tryToken(
  stateDirectory: string,
  tenant: TenantId,
  { subject, scopes, roles, seconds }: TryTokenRequest,
): Promise<string> {
  const realms = remoteRealms({
    address: `unix:${await socketPathIn(stateDirectory, 'identity-admin.sock')}`,
    audience: IDENTITY_AUDIENCE,
    client: OPERATOR_CLIENT,
    key: await operatorKey(stateDirectory),
  })
  await realms.putUser(tenant, subject, { roles, scopes })
  const { access_token } = await realms.issueFor(tenant, subject, {
    scopes,
    ...(seconds === undefined ? {} : { seconds }),
  })
  return access_token
}

async function operatorKey(stateDirectory: string): Promise<SigningKey> {
  const path = join(stateDirectory, 'secrets', `workload-${OPERATOR_CLIENT}.jwk`)
  try {
    return await SigningKey.fromJwk(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new RingfenceError(
      'engine_unavailable',
      `no platform runs on ${stateDirectory}; start one with "ringfence up", or name another with --state`,
      { detail: messageOf(error), cause: error },
    )
  }
}
