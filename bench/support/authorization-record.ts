import type { PlatformConfig, SnapshotRecord, TenantConfig } from '../../src/snapshot/snapshot.ts'
import type { SigningKey } from '../../src/tokens/signing-key.ts'
import { frontRecord, frontTenant } from './front-record.ts'
import { userToken } from './user-token.ts'

/** With limits of a tenant's own no decision is used twice: they are exact. */
export type Limit = 'plan' | 'limits'

const USERS = 100

type Policies = NonNullable<TenantConfig['policy']>['policies']

export interface Policed {
  readonly limits: Limit
  /** Policies of the platform. */
  readonly policies?: PlatformConfig['policies']
  /** The tenant's own, besides the one that allows what is asked. */
  readonly more?: Policies
}

/** One tenant with policies that allow what is asked, and limits that are never reached. */
export function recordFor(
  upstream: string,
  realmKey: SigningKey,
  { limits, policies, more = [] }: Policed,
): SnapshotRecord {
  const acme = frontTenant('acme', realmKey, {
    ...(limits === 'limits' && { limits: NEVER_REACHED }),
    policy: { version: 1, policies: [STAFF, ...more] },
  })
  return frontRecord(upstream, [acme], { ...(policies && { policies }) })
}

const STAFF: Policies[number] = {
  id: 'staff',
  text: 'permit (principal in Role::"acme/nurse", action in [Action::"read", Action::"write"], resource);',
}

const NEVER_REACHED: NonNullable<TenantConfig['limits']> = [
  { kind: 'rate', name: 'each-user', per: 'user', requests: 1_000_000, seconds: 60 },
  {
    kind: 'quota',
    name: 'month',
    per: 'tenant',
    unit: 'requests',
    amount: 9_000_000_000,
    period: 'month',
  },
]

/** What a browser's fetch looks like, by some users in turn. */
export async function requestsFor(key: SigningKey): Promise<readonly string[]> {
  const requests: string[] = []
  for (let user = 0; user < USERS; user += 1) {
    const token = await userToken(key, 'acme', `user-${user}`, ['nurse'])
    requests.push(
      `GET /t/acme/visits?day=2026-07-01 HTTP/1.1\r\nHost: api.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: application/json\r\nAccept-Encoding: gzip, br\r\nAccept-Language: en\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
  }
  return requests
}
