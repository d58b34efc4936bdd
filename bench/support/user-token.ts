import { parseSubject } from '../../src/core/names.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { samplePlatform } from '../../src/snapshot/sample.test-support.ts'
import { signAccessToken } from '../../src/tokens/access-token.ts'
import type { SigningKey } from '../../src/tokens/signing-key.ts'

const SECONDS = 900

/** An access token of a sample tenant's realm, as a web client has it. */
export function userToken(
  key: SigningKey,
  tenant: string,
  user: string,
  roles: readonly string[] = [],
): Promise<string> {
  return signAccessToken(
    key,
    { issuer: `https://id.example/realms/${tenant}`, audience: samplePlatform.audience },
    {
      tenant: parseTenantId(tenant),
      subject: parseSubject(user),
      client: 'web',
      scopes: ['read', 'write'],
      roles,
    },
    SECONDS,
  )
}
