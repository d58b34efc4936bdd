import { z } from 'zod'
import { document, done, itemsOf, label, listed, roleName, scope, text } from './fields.ts'
import { operation } from './operation.ts'

/** RFC 7591's names where it has them. The identity plane knows which of them fit together. */
const details = {
  name: text(200).optional(),
  auth_method: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .optional(),
  grant_types: z.array(z.string().max(100)).min(1).max(10).optional(),
  redirect_uris: z.array(z.string().max(2_000)).max(20).optional(),
  post_logout_redirect_uris: z.array(z.string().max(2_000)).max(20).optional(),
  backchannel_logout_uri: z.string().max(2_000).optional(),
  origins: z.array(z.string().max(300)).max(20).optional(),
  first_party: z.boolean().optional().meta({ description: 'Users are not asked about it.' }),
  dpop_bound: z.boolean().optional(),
  id_token_alg: z.enum(['ES256', 'EdDSA', 'RS256']).optional(),
  roles: z.array(roleName).max(50).optional(),
  scopes: z.array(scope).max(20).optional(),
  keys: z.array(document).min(1).max(5).optional().meta({ description: 'Public JWKs.' }),
}

const clientSchema = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    auth_method: z.string(),
    grant_types: z.array(z.string()),
    redirect_uris: z.array(z.string()),
    post_logout_redirect_uris: z.array(z.string()),
    backchannel_logout_uri: z.string().nullable(),
    origins: z.array(z.string()),
    first_party: z.boolean(),
    dpop_bound: z.boolean(),
    id_token_alg: z.string(),
    roles: z.array(z.string()),
    scopes: z.array(z.string()),
    registered: z.boolean().meta({ description: 'It registered itself.' }),
  })
  .meta({ id: 'RealmClient' })
export type WireClient = z.output<typeof clientSchema>

const madeSchema = z
  .object({
    client: clientSchema,
    secret: z
      .string()
      .nullable()
      .meta({ description: 'Shown here and never again; null for a client that has none.' }),
  })
  .meta({ id: 'MadeClient' })

const tag = 'realm clients'
const RECORDED = ['client', 'grant_types', 'redirect_uris', 'roles', 'scopes'] as const

/** OAuth clients of a realm, and the tokens with which they register themselves. */
export const CLIENT_OPERATIONS = {
  listClients: operation({
    ...{ method: 'get', path: '/clients', tag, status: 200 },
    summary: 'The clients of the realm, by id, without what is secret.',
    input: z.strictObject(listed),
    output: itemsOf(clientSchema),
    keyOf: ({ id }: WireClient) => id,
  }),
  getClient: operation({
    ...{ method: 'get', path: '/clients/{client}', tag, status: 200 },
    summary: 'One client.',
    input: z.strictObject({ client: z.string().max(200) }),
    output: clientSchema,
  }),
  createClient: operation({
    ...{ method: 'post', path: '/clients', tag, status: 201 },
    summary: 'Enter a client. Its secret, if it has one, is in this answer and nowhere else.',
    input: z.strictObject({ client: label, ...details }),
    output: madeSchema,
    act: 'client.create',
    opens: true,
    recorded: RECORDED,
    secret: true,
  }),
  putClient: operation({
    ...{ method: 'put', path: '/clients/{client}', tag, status: 200 },
    summary: 'Replace what is said of a client. It gets a new secret; what it was given is void.',
    input: z.strictObject({ client: label, ...details }),
    output: madeSchema,
    act: 'client.put',
    opens: true,
    recorded: RECORDED,
    secret: true,
  }),
  removeClient: operation({
    ...{ method: 'delete', path: '/clients/{client}', tag, status: 200 },
    summary: 'Remove a client, and void all that it was given.',
    input: z.strictObject({ client: z.string().max(200) }),
    output: done,
    act: 'client.remove',
    recorded: ['client'],
  }),
  createRegistrationToken: operation({
    ...{ method: 'post', path: '/registration-tokens', tag, status: 201 },
    summary: 'An initial access token (RFC 7591), within the registration policy of the settings.',
    input: z.strictObject({
      seconds: z
        .int()
        .min(1)
        .max(30 * 86_400),
    }),
    output: z
      .object({ token: z.string(), expires_at: z.string() })
      .meta({ id: 'RegistrationToken' }),
    act: 'registration-token.create',
    opens: true,
    recorded: ['seconds'],
    secret: true,
  }),
} as const
