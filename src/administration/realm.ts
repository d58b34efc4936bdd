import { z } from 'zod'
import {
  anId,
  document,
  done,
  ifRevision,
  itemsOf,
  listed,
  revision,
  text,
  time,
} from './fields.ts'
import { operation } from './operation.ts'

export const realmSchema = z
  .object({
    issuer: z.string(),
    display_name: z.string(),
    open: z.boolean().meta({ description: 'False while the tenant is suspended.' }),
    settings: document.meta({ description: '`docs/realm-administration.md` names the fields.' }),
    revision,
  })
  .meta({ id: 'Realm' })
export type WireRealm = z.output<typeof realmSchema>

const scimTokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    emails_verified: z.boolean(),
    created_at: time,
    expires_at: time,
    used_at: time.nullable(),
  })
  .meta({ id: 'ScimToken' })
export type WireScimToken = z.output<typeof scimTokenSchema>

const madeScimTokenSchema = z
  .object({
    token: scimTokenSchema,
    secret: z.string().meta({ description: 'Shown here and never again.' }),
  })
  .meta({ id: 'MadeScimToken' })

/** Kinds of what can be taken back in one realm. */
export const REVOCABLE_KINDS = ['token', 'session', 'user', 'client', 'tenant'] as const
export type RevocableKind = (typeof REVOCABLE_KINDS)[number]

/** A realm as a whole: its settings, its tokens for provisioning, and what is taken back. */
export const REALM_OPERATIONS_OF_ITS_OWN = {
  getRealm: operation({
    ...{ method: 'get', path: '/realm', tag: 'realms', status: 200 },
    summary: 'The realm and its settings.',
    input: z.strictObject({}),
    output: realmSchema,
    tagged: true,
  }),
  putRealmSettings: operation({
    ...{ method: 'put', path: '/realm/settings', tag: 'realms', status: 200 },
    summary: 'Replace the settings, whole. Another domain is another issuer: tokens become void.',
    input: z.strictObject({ settings: document, ...ifRevision }),
    output: realmSchema,
    act: 'realm.settings',
    tagged: true,
    reads: 'getRealm',
  }),
  listScimTokens: operation({
    ...{ method: 'get', path: '/scim-tokens', tag: 'realms', status: 200 },
    summary: 'Tokens of provisioning clients, without their secrets.',
    input: z.strictObject(listed),
    output: itemsOf(scimTokenSchema),
    keyOf: ({ id }: WireScimToken) => id,
  }),
  createScimToken: operation({
    ...{ method: 'post', path: '/scim-tokens', tag: 'realms', status: 201 },
    summary: 'Make a token for a provisioning client. It is in this answer and nowhere else.',
    input: z.strictObject({
      name: text(100),
      days: z.int().min(1).max(366).default(180),
      emails_verified: z.boolean().default(false).meta({
        description: 'The source holds addresses only of those to whom they belong.',
      }),
    }),
    output: madeScimTokenSchema,
    act: 'scim-token.create',
    opens: true,
    recorded: ['name', 'days', 'emails_verified'],
    secret: true,
  }),
  revokeScimToken: operation({
    ...{ method: 'delete', path: '/scim-tokens/{scim_token}', tag: 'realms', status: 200 },
    summary: 'Take a token of a provisioning client back.',
    input: z.strictObject({ scim_token: anId }),
    output: done,
    act: 'scim-token.revoke',
    recorded: ['scim_token'],
  }),
  revoke: operation({
    ...{ method: 'post', path: '/revocations', tag: 'realms', status: 201 },
    summary:
      'Void what was issued until now: a token, a session, or all of a user, client or tenant.',
    input: z
      .strictObject({
        kind: z.enum(REVOCABLE_KINDS),
        id: anId.optional().meta({
          description: '`jti`, `sid`, the user or the client. Not for the whole tenant.',
        }),
        why: text(500),
      })
      .refine(({ kind, id }) => (kind === 'tenant') === (id === undefined), {
        path: ['id'],
        error: 'everything but a tenant has an id',
      }),
    output: done,
    act: 'revocation.create',
    recorded: ['kind', 'id', 'why'],
  }),
} as const
