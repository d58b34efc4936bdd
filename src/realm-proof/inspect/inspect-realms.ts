import type { Finding } from '../../core/finding.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { Rows } from '../../identity/identity-database.ts'
import { realmSettingsSchema } from '../../identity/provider/realm-settings.ts'
import { TENANT_ADMIN_ROLE } from '../../identity/support/support-record.ts'
import type { Plane } from '../house/plane.ts'
import { connectionRules } from './connection-rules.ts'
import { finding } from './finding.ts'

const SESSION_DAYS_MAX = 30
/** Twice as long as a key signs. */
const KEY_DAYS_MAX = 60
const SCIM_DAYS_MAX = 366
const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d+)?(?:\/|$)/

/** Where the present state of realms is wider than promised. Changes nothing. */
export async function inspectRealms({ identity, mounted }: Plane): Promise<readonly Finding[]> {
  const { database } = identity.parts
  const realms = await database.query<{ tenant: string; settings: unknown }>(
    'select tenant, settings from identity.realm where open order by tenant',
  )
  const found: Finding[] = []
  for (const { tenant, settings } of realms) {
    const { administration } = mounted.federation
    const connections = await administration.connections(parseTenantId(tenant))
    found.push(
      ...settingsRules(tenant, settings),
      ...connections.flatMap((one) => connectionRules(tenant, one)),
    )
  }
  return [
    ...found,
    ...(await clientRules(database)),
    ...(await keyRules(database)),
    ...(await scimRules(database)),
    ...(await factorRules(database)),
  ]
}

function settingsRules(tenant: string, settings: unknown): readonly Finding[] {
  const { registration, session } = realmSettingsSchema.parse(settings)
  const byThemselves = registration.grantTypes.some((grant) => grant === 'client_credentials')
  return [
    ...(registration.enabled && byThemselves
      ? [
          finding(
            'id-registration-open',
            'high',
            `realm ${tenant}`,
            'Whoever has its initial access token registers a client that gets tokens for itself, without a user.',
          ),
        ]
      : []),
    ...(session.seconds > SESSION_DAYS_MAX * 86_400
      ? [
          finding(
            'id-session-long',
            'medium',
            `realm ${tenant}`,
            'Its sessions last longer than a month: who finds a browser has its user’s access for as long.',
          ),
        ]
      : []),
  ]
}

async function clientRules(rows: Rows): Promise<readonly Finding[]> {
  const found = await rows.query<{ tenant: string; client: string; uri: string }>(
    `select tenant, client, uri from identity.client, unnest(redirect_uris) as uri
     where uri like 'http:%' order by tenant, client, uri`,
  )
  return found
    .filter(({ uri }) => !LOOPBACK.test(uri))
    .map(({ tenant, client }) =>
      finding(
        'id-redirect-plain',
        'high',
        `client ${client} of ${tenant}`,
        'Its codes go over http: whoever is on the way reads them.',
      ),
    )
}

async function keyRules(rows: Rows): Promise<readonly Finding[]> {
  const found = await rows.query<{ tenant: string; alg: string }>(
    `select tenant, alg from identity.signing_key k
     where retired_at is null and made_at < now() - make_interval(days => $1)
       and not exists (select from identity.signing_key n where n.tenant = k.tenant
         and n.alg = k.alg and n.made_at > k.made_at and n.usable_from <= now())
     order by tenant, alg`,
    [KEY_DAYS_MAX],
  )
  return found.map(({ tenant, alg }) =>
    finding(
      'id-key-old',
      'medium',
      `${alg} key of ${tenant}`,
      'It should have been replaced long ago: rotation does not run here.',
    ),
  )
}

async function scimRules(rows: Rows): Promise<readonly Finding[]> {
  const found = await rows.query<{ tenant: string; name: string }>(
    `select tenant, name from identity.scim_token
     where expires_at > now() + make_interval(days => $1) order by tenant, name`,
    [SCIM_DAYS_MAX],
  )
  return found.map(({ tenant, name }) =>
    finding(
      'id-scim-token-long',
      'medium',
      `token ${name} of ${tenant}`,
      'It lasts for years: who finds it one day makes and removes users of the realm.',
    ),
  )
}

async function factorRules(rows: Rows): Promise<readonly Finding[]> {
  const found = await rows.query<{ tenant: string; subject: string }>(
    `select a.tenant, a.subject from identity.account a
       join identity.realm r on r.tenant = a.tenant and r.open
     where a.active and a.roles && $1 and r.settings ->> 'mfa' is distinct from 'required'
       and not exists (select from identity.totp t where t.tenant = a.tenant
         and t.subject = a.subject and t.confirmed_at is not null)
       and not exists (select from identity.passkey p where p.tenant = a.tenant
         and p.subject = a.subject)
     order by a.tenant, a.subject`,
    [[TENANT_ADMIN_ROLE]],
  )
  return found.map(({ tenant, subject }) =>
    finding(
      'id-admin-one-factor',
      'high',
      `user ${subject} of ${tenant}`,
      'Decides for the tenant, and signs in with a password alone.',
    ),
  )
}
