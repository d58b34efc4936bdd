import { z } from 'zod'
import { CLIENT_OPERATIONS } from '../../administration/clients.ts'
import type { CheckedInput } from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { publicJwkSchema } from '../../tokens/public-jwk.ts'
import { clientDetailsSchema } from '../provider/client-spec.ts'
import type { RealmClient } from '../provider/realm-clients.ts'
import { doneNow, notFound, pageOf, type RealmHandlers, said } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { expectRealm } from './users.ts'

const keysSchema = z.array(publicJwkSchema)

export function clientHandlers(
  services: Pick<RealmServices, 'clients' | 'registration' | 'realms'>,
): RealmHandlers<typeof CLIENT_OPERATIONS> {
  const { clients, registration } = services
  const there = async (tenant: TenantId, id: string): Promise<RealmClient> => {
    const found = (await clients.list(tenant)).find(({ client }) => client === id)
    if (found === undefined) throw notFound('client')
    return found
  }
  const put = async (
    tenant: TenantId,
    { client, roles = [], scopes = ['read'], keys, ...fields }: CheckedInput<'putClient'>,
    onlyNew: boolean,
  ) => {
    const id = parseClientId(client)
    const spec = { ...detailsOf(fields), roles, scopes }
    const secret = await clients.put(tenant, id, spec, keysOf(keys), onlyNew)
    return { client: wireClient(await there(tenant, id)), secret: secret ?? null }
  }
  return {
    async listClients({ tenant, input }) {
      await expectRealm(services, tenant)
      const all = (await clients.list(tenant)).map(wireClient)
      return pageOf(all, CLIENT_OPERATIONS.listClients.keyOf, input)
    },
    getClient: async ({ tenant, input }) => wireClient(await there(tenant, input.client)),
    // The secret of a call whose answer was lost is nobody's: the repeat makes another.
    createClient: ({ tenant, input, call }) => put(tenant, input, call.repeated !== true),
    async putClient({ tenant, input }) {
      await there(tenant, input.client)
      return put(tenant, input, false)
    },
    async removeClient({ tenant, input, call }) {
      if (call.repeated !== true) await there(tenant, input.client)
      await clients.remove(tenant, input.client)
      return doneNow()
    },
    async createRegistrationToken({ tenant, input: { seconds } }) {
      const token = await registration.createInitialAccessToken(tenant, seconds)
      return { token, expires_at: new Date(Date.now() + seconds * 1_000).toISOString() }
    },
  }
}

type Fields = Omit<CheckedInput<'putClient'>, 'client' | 'roles' | 'scopes' | 'keys'>

function detailsOf(fields: Fields): z.input<typeof clientDetailsSchema> {
  return checked(
    clientDetailsSchema,
    said({
      name: fields.name,
      authMethod: fields.auth_method,
      grantTypes: fields.grant_types,
      redirectUris: fields.redirect_uris,
      postLogoutRedirectUris: fields.post_logout_redirect_uris,
      backchannelLogoutUri: fields.backchannel_logout_uri,
      origins: fields.origins,
      firstParty: fields.first_party,
      dpopBound: fields.dpop_bound,
      idTokenAlg: fields.id_token_alg,
    }),
  )
}

function keysOf(keys: readonly object[] | undefined) {
  return keys === undefined ? undefined : checked(keysSchema, keys)
}

function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'the client'
  throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'invalid'}`)
}

function wireClient(client: RealmClient) {
  return {
    id: client.client,
    name: client.name ?? client.registered?.client_name ?? null,
    auth_method: client.authMethod,
    grant_types: [...client.grantTypes],
    redirect_uris: [...(client.registered?.redirect_uris ?? client.redirectUris)],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    backchannel_logout_uri: client.backchannelLogoutUri ?? null,
    origins: [...client.origins],
    first_party: client.firstParty,
    dpop_bound: client.dpopBound,
    id_token_alg: client.idTokenAlg,
    roles: [...client.roles],
    scopes: [...client.scopes],
    registered: client.registered !== undefined,
  }
}
