import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import { type Configuration, errors, Provider } from 'oidc-provider'

/** Somebody whom the provider knows. */
export interface Person {
  readonly id: string
  readonly claims: Readonly<Record<string, unknown>>
  /** How they sign in there. */
  readonly amr?: readonly string[]
}

export interface FriendlyProvider {
  readonly issuer: string
  /** Who signs in there next. Undefined: they refuse. */
  person: Person | undefined
  stop(): Promise<void>
}

type Clients = NonNullable<Configuration['clients']>

/** A provider as a tenant would run it: the same library that serves realms, with one login for all. */
export async function startFriendlyProvider(
  clients: (issuer: string) => Promise<Clients>,
): Promise<FriendlyProvider> {
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const keys = [await privateJwk('RS256'), await privateJwk('ES256')]
  const people = new Map<string, Person>()
  const stored = new Map<string, unknown>()
  const provider = new Provider(issuer, {
    clients: await clients(issuer),
    claims: {
      openid: ['sub', 'amr'],
      email: ['email', 'email_verified'],
      profile: ['name'],
      groups: ['groups', 'phone_number'],
    },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 60 },
    conformIdTokenClaims: false,
    jwks: { keys },
    cookies: { keys: ['of this test only'] },
    adapter: memory(stored),
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => Promise.resolve({ sub: id, ...people.get(id)?.claims }),
    }),
    loadExistingGrant: async (ctx) => {
      const { client, session, provider: owner } = ctx.oidc
      const grant = new owner.Grant({
        ...(client && { clientId: client.clientId }),
        ...(session?.accountId && { accountId: session.accountId }),
      })
      grant.addOIDCScope('openid email profile groups')
      await grant.save()
      return grant
    },
  })
  const callback = provider.callback()
  const friendly: FriendlyProvider = {
    issuer,
    person: undefined,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!request.url?.startsWith('/login/')) return callback(request, response)
    const { person } = friendly
    if (person !== undefined) people.set(person.id, person)
    const result =
      person === undefined
        ? { error: 'access_denied', error_description: 'no' }
        : { login: { accountId: person.id, remember: false, amr: [...(person.amr ?? [])] } }
    try {
      await provider.interactionFinished(request, response, result)
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error
      response.writeHead(400).end(error.message)
    }
  }
  return friendly
}

async function privateJwk(alg: string) {
  const { privateKey }: { privateKey: CryptoKey } = await generateKeyPair(alg, {
    extractable: true,
  })
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg }
}

/** One store in memory, so that the library does not warn of its own. */
function memory(stored: Map<string, unknown>): NonNullable<Configuration['adapter']> {
  type Payload = Record<string, unknown>
  return (model: string) => {
    const key = (id: string) => `${model}:${id}`
    const find = (id: string) => Promise.resolve(stored.get(key(id)) as Payload | undefined)
    return {
      upsert: async (id, payload) => void stored.set(key(id), payload),
      find,
      findByUid: (uid) =>
        Promise.resolve(
          [...stored.values()].find((one) => (one as Payload)['uid'] === uid) as
            | Payload
            | undefined,
        ),
      findByUserCode: find,
      consume: async (id) => void Object.assign((await find(id)) ?? {}, { consumed: 1 }),
      destroy: async (id) => void stored.delete(key(id)),
      revokeByGrantId: () => Promise.resolve(),
    }
  }
}
