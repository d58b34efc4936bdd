import { z } from 'zod'
import {
  document,
  domain,
  done,
  ifRevision,
  itemsOf,
  label,
  listed,
  revision,
  text,
  time,
} from './fields.ts'
import { operation } from './operation.ts'

const connectionSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['oidc', 'saml']),
    display_name: z.string(),
    enabled: z.boolean(),
    config: document.meta({ description: 'As in a manifest of the kind Connection.' }),
    revision,
  })
  .meta({ id: 'Connection' })
export type WireConnection = z.output<typeof connectionSchema>

const setupSchema = z
  .object({
    kind: z.enum(['oidc', 'saml']),
    redirect_uri: z.string().nullable(),
    client_jwk: document.nullable(),
    entity_id: z.string().nullable(),
    assertion_consumer_service: z.string().nullable(),
    metadata: z.string().nullable(),
  })
  .meta({ id: 'ConnectionSetup' })

const dryRunSchema = z
  .object({
    result: z.enum(['signed in', 'linked', 'created', 'refused']),
    reason: z.string().nullable(),
    detail: z.string().nullable(),
    user: z.string().nullable(),
    external_subject: z.string().nullable(),
    change: document.meta({ description: 'What would be set of the user.' }),
    email_trusted: z.boolean(),
    roles: z.array(z.string()).nullable(),
    problems: z.array(z.string()),
    ignored: z.array(z.string()).meta({ description: 'What came and would not be kept.' }),
  })
  .meta({ id: 'DryRun' })

const sourceFields = {
  kind: z.enum(['oidc', 'saml']),
  source: z.string().regex(/^[\x21-\x7e]{1,1024}$/, 'an issuer or an entity id, without spaces'),
}
const sourceSchema = z.object(sourceFields).meta({ id: 'AllowedSource' })

const domainSchema = z
  .object({
    domain: z.string(),
    connection: z.string(),
    record_name: z.string(),
    record_value: z.string(),
    verified: z.boolean(),
    checked_at: time.nullable(),
  })
  .meta({ id: 'EmailDomain' })
export type WireDomain = z.output<typeof domainSchema>

const tag = 'realm connections'
const connection = { connection: label }
const ofDomain = { domain, connection: label }

/** Identity providers of the tenant's own, and the e-mail domains that lead to them. */
export const CONNECTION_OPERATIONS = {
  listConnections: operation({
    ...{ method: 'get', path: '/connections', tag, status: 200 },
    summary: 'The connections of the realm, by id, without secrets.',
    input: z.strictObject(listed),
    output: itemsOf(connectionSchema),
    keyOf: ({ id }: WireConnection) => id,
  }),
  getConnection: operation({
    ...{ method: 'get', path: '/connections/{connection}', tag, status: 200 },
    summary: 'One connection.',
    input: z.strictObject(connection),
    output: connectionSchema,
    tagged: true,
  }),
  putConnection: operation({
    ...{ method: 'put', path: '/connections/{connection}', tag, status: 200 },
    summary: 'Make a connection, or replace what it says. Its provider must be an allowed source.',
    input: z.strictObject({
      ...connection,
      kind: z.enum(['oidc', 'saml']),
      display_name: text(200),
      enabled: z.boolean().default(true),
      config: document,
      client_secret: z
        .string()
        .regex(/^[\x20-\x7e]{8,512}$/, 'a secret of 8 to 512 characters')
        .optional()
        .meta({ description: 'Left out on a change: as it was, while the issuer is the same.' }),
      ...ifRevision,
    }),
    output: connectionSchema,
    act: 'connection.put',
    opens: true,
    recorded: ['connection', 'kind', 'enabled'],
    tagged: true,
    reads: 'getConnection',
  }),
  removeConnection: operation({
    ...{ method: 'delete', path: '/connections/{connection}', tag, status: 200 },
    summary: 'Remove a connection, its links and domains, and the roles that it gave. Users stay.',
    input: z.strictObject(connection),
    output: done,
    act: 'connection.remove',
    recorded: ['connection'],
  }),
  getConnectionSetup: operation({
    ...{ method: 'get', path: '/connections/{connection}/setup', tag, status: 200 },
    summary: 'What the provider’s administrator has to be told.',
    input: z.strictObject(connection),
    output: setupSchema,
  }),
  testConnection: operation({
    ...{ method: 'post', path: '/connections/{connection}/dry-run', tag, status: 200 },
    summary: 'What claims or an assertion would become. Changes nothing, verifies nothing.',
    input: z
      .strictObject({
        ...connection,
        claims: document.optional(),
        assertion: z.string().max(60_000).optional(),
      })
      .refine((one) => (one.claims === undefined) !== (one.assertion === undefined), {
        error: 'give claims or an assertion',
      }),
    output: dryRunSchema,
  }),
  listSources: operation({
    ...{ method: 'get', path: '/sources', tag, status: 200 },
    summary: 'The issuers and entity ids with which the realm may have connections.',
    input: z.strictObject(listed),
    output: itemsOf(sourceSchema),
    keyOf: ({ kind, source }: { readonly kind: string; readonly source: string }) =>
      `${kind} ${source}`.slice(0, 500),
  }),
  allowSource: operation({
    ...{ method: 'put', path: '/sources', tag, status: 200 },
    summary: 'Let the realm have connections with this issuer or entity id, exactly so written.',
    input: z.strictObject(sourceFields),
    output: sourceSchema,
    act: 'source.allow',
    opens: true,
    recorded: ['kind', 'source'],
  }),
  disallowSource: operation({
    ...{ method: 'delete', path: '/sources', tag, status: 200 },
    summary: 'Take that back. Connections with it stop working at once.',
    input: z.strictObject(sourceFields),
    output: done,
    act: 'source.disallow',
    recorded: ['kind', 'source'],
  }),
  listDomains: operation({
    ...{ method: 'get', path: '/domains', tag, status: 200 },
    summary: 'E-mail domains that the tenant says are its own, and how they are proven.',
    input: z.strictObject(listed),
    output: itemsOf(domainSchema),
    keyOf: (claim: WireDomain) => `${claim.domain} ${claim.connection}`,
  }),
  addDomain: operation({
    ...{ method: 'post', path: '/domains', tag, status: 201 },
    summary: 'Claim a domain for a connection. The answer says which DNS record proves it.',
    input: z.strictObject(ofDomain),
    output: domainSchema,
    act: 'domain.add',
    opens: true,
    recorded: ['domain', 'connection'],
  }),
  verifyDomain: operation({
    ...{ method: 'post', path: '/domains/{domain}/verification', tag, status: 200 },
    summary: 'Look for the DNS record now.',
    input: z.strictObject(ofDomain),
    output: domainSchema,
    act: 'domain.verify',
    opens: true,
    recorded: ['domain', 'connection'],
  }),
  removeDomain: operation({
    ...{ method: 'delete', path: '/domains/{domain}', tag, status: 200 },
    summary: 'Give a claim up.',
    input: z.strictObject(ofDomain),
    output: done,
    act: 'domain.remove',
    recorded: ['domain', 'connection'],
  }),
} as const
