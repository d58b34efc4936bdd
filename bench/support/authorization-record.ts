import { parsePlanName, parseServiceName, parseSubject } from '../../src/core/names.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { samplePlatform, sampleTenant } from '../../src/snapshot/sample.test-support.ts'
import { recordSchema, type SnapshotRecord } from '../../src/snapshot/snapshot.ts'
import { signAccessToken } from '../../src/tokens/access-token.ts'
import type { SigningKey } from '../../src/tokens/signing-key.ts'

/** With limits of a tenant's own no decision is used twice: they are exact. */
export type Limit = 'plan' | 'limits'

const USERS = 100

/** One tenant with policies that allow what is asked, and limits that are never reached. */
export function recordFor(upstream: string, realmKey: SigningKey, limits: Limit): SnapshotRecord {
  const plan = parsePlanName('standard')
  return recordSchema.parse({
    kind: 'change',
    version: 1,
    issuedAt: new Date().toISOString(),
    previous: '',
    platform: {
      ...samplePlatform,
      services: [{ name: parseServiceName('clinic'), upstream, prefix: '/' }],
      plans: [{ ...samplePlatform.plans[0], name: plan, requestsPerMinute: 10 ** 9 }],
    },
    tenants: [
      sampleTenant('acme', {
        plan,
        keys: [JSON.parse(JSON.stringify(realmKey.publicJwk))],
        ...(limits === 'plan'
          ? {}
          : {
              limits: [
                { kind: 'rate', name: 'each-user', per: 'user', requests: 1_000_000, seconds: 60 },
                {
                  kind: 'quota',
                  name: 'month',
                  per: 'tenant',
                  unit: 'requests',
                  amount: 9_000_000_000,
                  period: 'month',
                },
              ],
            }),
        policy: {
          version: 1,
          policies: [
            {
              id: 'staff',
              text: 'permit (principal in Role::"acme/nurse", action in [Action::"read", Action::"write"], resource);',
            },
          ],
        },
      }),
    ],
  })
}

/** What a browser's fetch looks like, by some users in turn. */
export async function requestsFor(key: SigningKey): Promise<readonly string[]> {
  const realm = { issuer: 'https://id.example/realms/acme', audience: samplePlatform.audience }
  const requests: string[] = []
  for (let user = 0; user < USERS; user += 1) {
    const claims = {
      tenant: parseTenantId('acme'),
      subject: parseSubject(`user-${user}`),
      client: 'web',
      scopes: ['read', 'write'] as const,
      roles: ['nurse'],
    }
    const token = await signAccessToken(key, realm, claims, 900)
    requests.push(
      `GET /t/acme/visits?day=2026-07-01 HTTP/1.1\r\nHost: api.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: application/json\r\nAccept-Encoding: gzip, br\r\nAccept-Language: en\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
  }
  return requests
}
