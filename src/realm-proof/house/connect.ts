import { randomBytes } from 'node:crypto'
import type { IdentityProvider } from './identity-provider.ts'
import { type Party, PERSON } from './party.ts'
import type { Plane } from './plane.ts'
import { ENTITY_ID, type SamlKeys, SSO_URL } from './saml-provider.ts'

/** Connections of every realm: to a provider that knows its domain, to one that does not, and by SAML. */
export const LOGIN = 'login'
export const OTHER_LOGIN = 'other-login'
export const SAML = 'saml'

export function clientOf({ tenant }: Party, connection: string): string {
  return `${connection}-of-${tenant}`
}

/** Connects a realm with the identity providers that all realms of a rehearsal use. */
export async function connect(
  { identity, mounted }: Plane,
  party: Party,
  provider: IdentityProvider,
  saml: SamlKeys,
): Promise<void> {
  const { tenant, domain, personCanary } = party
  const { administration } = mounted.federation
  await administration.allowSource(tenant, { kind: 'oidc', source: provider.issuer })
  await administration.allowSource(tenant, { kind: 'saml', source: ENTITY_ID })
  for (const id of [LOGIN, OTHER_LOGIN]) {
    await administration.putConnection(tenant, id, {
      kind: 'oidc',
      displayName: id,
      clientSecret: randomBytes(24).toString('base64url'),
      config: {
        issuer: provider.issuer,
        clientId: clientOf(party, id),
        algorithms: ['ES256'],
        provisioning: 'link',
        updateOnSignIn: false,
      },
    })
  }
  await administration.putConnection(tenant, SAML, {
    kind: 'saml',
    displayName: SAML,
    config: {
      entityId: ENTITY_ID,
      trust: { ssoUrl: SSO_URL, certificates: [saml.certificate] },
      provisioning: 'off',
      updateOnSignIn: false,
    },
  })
  const { database } = identity.parts
  await database.query(
    `insert into identity.federation_domain (tenant, connection, domain, token, verified_at, checked_at)
     values ($1, $2, $3, $4, now(), now())`,
    [tenant, LOGIN, domain, randomBytes(32).toString('base64url')],
  )
  for (const [connection, source] of [
    [LOGIN, provider.issuer],
    [SAML, ENTITY_ID],
  ] as const) {
    await database.query(
      `insert into identity.federation_link (tenant, connection, source, external_subject, subject)
       values ($1, $2, $3, $4, $5)`,
      [tenant, connection, source, personCanary, PERSON],
    )
  }
}
