import type { ClientId } from '../../core/names.ts'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { TOKEN_EXCHANGE } from '../../identity/provider/realm-settings.ts'
import { ScimAdministration } from '../../identity/scim/tokens/scim-administration.ts'
import { type Party, PASSWORD, PERSON } from './party.ts'
import { connect } from './connect.ts'
import { CLOSED } from './ground.ts'
import type { Plane } from './plane.ts'

/** A client with a secret, of the same name in every realm. */
export const APP = parseClientId('app')
/** A client with no secret. */
export const SPA = parseClientId('spa')
/** A business that is a client of every realm, by one key; its users are asked. */
export const PARTNER = parseClientId('partner')
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/** What was made in one realm, and told its owner alone. */
export interface Belongings {
  readonly appSecret: string
  readonly onlySecret: string
  readonly scimToken: string
  readonly apiKey: string
  readonly groupId: string
}

export type Furniture = ReadonlyMap<TenantId, Belongings>

/** Realms with all that attacks go for. */
export async function furnish(plane: Plane, parties: readonly Party[]): Promise<Furniture> {
  const made = await Promise.all(
    parties.map(async (party) => [party.tenant, await furnishOne(plane, party)] as const),
  )
  // There, and closed.
  await plane.identity.realms.ensure(CLOSED, 'A realm that is closed')
  await plane.identity.realms.setOpen(CLOSED, false)
  await plane.identity.parts.database.query('update identity.password set must_change = false')
  return new Map(made)
}

async function furnishOne(plane: Plane, party: Party): Promise<Belongings> {
  const { identity, mounted, site } = plane
  const { realms, parts } = identity
  const { tenant } = party
  await realms.ensure(tenant, `Clinic ${tenant}`)
  await realms.putSettings(tenant, {
    registration: { enabled: true, redirectHosts: [`app.${party.domain}`], clientsMax: 1_000 },
  })
  await realms.putUser(tenant, PERSON, { roles: ['nurse'], scopes: ['read', 'write'] })
  await parts.directory.changeAccount(tenant, PERSON, {
    userName: PERSON,
    displayName: party.nameCanary,
    email: party.mailCanary,
    emailVerified: true,
  })
  await mounted.services.passwords.setFirst(tenant, PERSON, PASSWORD)
  const group = await parts.directory.createGroup(tenant, { displayName: party.groupCanary })
  await parts.directory.changeGroup(tenant, group.id, { members: [PERSON] })
  const secrets = await putClients(plane, party)
  const scim = new ScimAdministration(parts.database)
  const { secret: scimToken } = await scim.create(tenant, { name: 'directory' })
  const key = { label: 'nightly', scopes: ['read'], days: 2 }
  const { secret: apiKey } = await realms.createApiKey(tenant, PERSON, key)
  await realms.putClient(
    tenant,
    PARTNER,
    {
      ...USERS,
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      redirectUris: [party.callback],
      firstParty: false,
    },
    [site.ground.keys.partner.publicJwk],
  )
  await connect(plane, party, site.provider, site.saml.keys)
  return { ...secrets, scimToken, apiKey, groupId: group.id }
}

const USERS = { roles: [], scopes: ['read', 'write'] }

async function putClients(plane: Plane, party: Party) {
  const { realms } = plane.identity
  const put = async (client: ClientId, more: object) =>
    realms.putClient(party.tenant, client, { ...USERS, ...more })
  const appSecret = await put(APP, {
    grantTypes: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      DEVICE_CODE,
      TOKEN_EXCHANGE,
    ],
    redirectUris: [party.callback],
    postLogoutRedirectUris: [`https://app.${party.domain}/bye`],
    firstParty: true,
  })
  await put(SPA, {
    authMethod: 'none',
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [party.callback],
    firstParty: true,
  })
  const onlySecret = await put(parseClientId(party.onlyClient), {
    grantTypes: ['client_credentials'],
  })
  return { appSecret: String(appSecret), onlySecret: String(onlySecret) }
}
