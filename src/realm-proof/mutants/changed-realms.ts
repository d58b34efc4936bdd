import type { Rows } from '../../identity/identity-database.ts'
import { LOGIN, SAML } from '../house/connect.ts'
import { TENANT_ADMIN_ROLE } from '../../identity/support/support-record.ts'
import type { Plane } from '../house/plane.ts'
import type { Undo } from '../../strikes/staged-mutant.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'

/** What only a look at the realms can tell, unless attacks are named. */
function changed(
  id: string,
  title: string,
  change: (rows: Rows, plane: Plane) => Promise<Undo>,
  noticedBy: readonly string[] = [],
): RealmMutant {
  return {
    ...mutant(id, title, noticedBy, {}),
    change: (plane) => change(plane.identity.parts.database, plane),
  }
}

/** A column of all rows that a condition names, in another form until it is changed back. */
function column(table: string, name: string, by: string, where: string) {
  return async (rows: Rows): Promise<Undo> => {
    await rows.query(
      `create table identity.proof_kept as select * from identity.${table} where ${where}`,
    )
    await rows.query(`update identity.${table} set ${name} = ${by} where ${where}`)
    return async () => {
      await rows.query(
        `update identity.${table} t set ${name} = k.${name} from identity.proof_kept k
         where ${keysOf(table)
           .map((key) => `t.${key} = k.${key}`)
           .join(' and ')}`,
      )
      await rows.query('drop table identity.proof_kept')
    }
  }
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  realm: ['tenant'],
  client: ['tenant', 'client'],
  signing_key: ['tenant', 'kid'],
  scim_token: ['tenant', 'id'],
  account: ['tenant', 'subject'],
  federation_connection: ['tenant', 'id'],
}
const keysOf = (table: string) => KEYS[table] ?? []

const connection = (id: string, path: string, value: string) =>
  column(
    'federation_connection',
    'config',
    `jsonb_set(config, '${path}', '${value}')`,
    `id = '${id}'`,
  )

export const CHANGED_REALMS: readonly RealmMutant[] = [
  changed(
    'id-mail-believed',
    'A provider is believed about addresses that it has not verified',
    connection(LOGIN, '{mapping,emailVerified}', '{"constant":"true"}'),
    ['id-federation-mail-not-verified'],
  ),
  changed(
    'id-provider-over-http',
    'A provider is reached over http',
    connection(SAML, '{trust,ssoUrl}', '"http://idp.realm-proof.test/sso"'),
  ),
  changed(
    'id-clocks-far-apart',
    'A provider’s clock may be minutes away',
    connection(SAML, '{clockSkewSeconds}', '300'),
  ),
  changed(
    'id-registered-by-themselves',
    'Clients that register themselves get tokens for themselves',
    column(
      'realm',
      'settings',
      `jsonb_set(settings, '{registration,grantTypes}', '["client_credentials"]')`,
      'open',
    ),
  ),
  changed(
    'id-sessions-for-months',
    'Sessions last for three months',
    column('realm', 'settings', `settings || '{"session":{"seconds":7776000}}'`, 'open'),
  ),
  changed(
    'id-redirect-over-http',
    'An application is called back over http',
    column('client', 'redirect_uris', `array['http://app.test/cb']`, `client = 'spa'`),
  ),
  changed(
    'id-keys-never-rotated',
    'Signing keys are never replaced',
    column('signing_key', 'made_at', `made_at - interval '200 days'`, 'retired_at is null'),
  ),
  changed(
    'id-scim-token-for-years',
    'A token for provisioning lasts for years',
    column('scim_token', 'expires_at', `expires_at + interval '5 years'`, 'true'),
  ),
  changed(
    'id-admins-with-one-factor',
    'Who decides for a tenant signs in with a password alone',
    column('account', 'roles', `array['${TENANT_ADMIN_ROLE}']`, `subject = 'alice'`),
  ),
]
