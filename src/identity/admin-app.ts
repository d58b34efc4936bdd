import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { type ClientId, parseClientId, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { problemResponse } from '../http/problem.ts'
import { KeySet } from '../tokens/verify-token.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import {
  apiKeyBody,
  clientBody,
  ensureBody,
  initialAccessBody,
  keysBody,
  openBody,
  tokenBody,
  userBody,
} from './admin-schemas.ts'
import { realmSettingsSchema } from './provider/realm-settings.ts'
import type { RealmAdministration } from './realm-administration.ts'
import type { UsedOnce } from './used-once.ts'
import { duringControl } from './entering.ts'

/** What the control API takes, and what stands around it on the way here. */
const BODY_BYTES_MAX = 96 * 1024
const NO_STORE = { 'cache-control': 'no-store' } as const
const BEARER = /^Bearer ([A-Za-z0-9_.-]{1,8192})$/

export interface AdminAppOptions {
  readonly realms: RealmAdministration
  readonly used: UsedOnce
  /** Who the administration API is, in client assertions. */
  readonly audience: string
  readonly clients: readonly { readonly client: ClientId; readonly keys: readonly PublicJwk[] }[]
  /** Adds what else is administered here, behind the same authentication. */
  readonly mount?: ((app: Hono, realms: RealmAdministration) => void) | undefined
  readonly log: (line: string) => void
}

/**
 * Administration of realms, for the control plane, on a listener of its own. Each call carries a
 * client assertion (RFC 7523) that counts once, as a bearer token.
 */
export function adminApp(options: AdminAppOptions): Hono {
  const { realms, log } = options
  const app = new Hono<{ Variables: { by: string } }>()
  const keys = new Map(options.clients.map(({ client, keys }) => [client, new KeySet(keys)]))
  const nobody = new KeySet([])
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.use('/admin/*', async (context, next) => {
    const assertion = BEARER.exec(context.req.header('authorization') ?? '')?.[1] ?? ''
    const by = await options.used
      .verify(assertion, options.audience, (client) => keys.get(client) ?? nobody, 'admin')
      .catch((error: unknown) => {
        if (error instanceof RingfenceError && error.code === 'engine_unavailable') throw error
        throw new RingfenceError('not_authenticated', 'present a client assertion')
      })
    context.set('by', by)
    await duringControl(by, next)
    const { method, path } = context.req
    const at = new Date().toISOString()
    log(JSON.stringify({ at, by, method, path, status: context.res.status }))
  })
  app.use('/admin/*', bodyLimit({ maxSize: BODY_BYTES_MAX }))

  app.put('/admin/realms/:tenant', async (context) => {
    const { displayName } = await bodyOf(context, ensureBody)
    return context.json(await realms.ensure(tenantOf(context), displayName))
  })
  app.get('/admin/realms/:tenant', async (context) => {
    const realm = await realms.find(tenantOf(context))
    if (realm === undefined) throw new RingfenceError('not_found', 'there is no such realm')
    return context.json(realm)
  })
  app.delete('/admin/realms/:tenant', async (context) => {
    await realms.remove(tenantOf(context))
    return context.body(null, 204)
  })
  app.put('/admin/realms/:tenant/open', async (context) => {
    await realms.setOpen(tenantOf(context), (await bodyOf(context, openBody)).open)
    return context.body(null, 204)
  })
  app.post('/admin/realms/:tenant/keys', async (context) => {
    const { compromised, algorithm } = await bodyOf(context, keysBody)
    await realms.rotateKeys(tenantOf(context), compromised, algorithm)
    return context.body(null, 204)
  })
  app.get('/admin/realms/:tenant/settings', async (context) =>
    context.json(await realms.settings(tenantOf(context))),
  )
  app.put('/admin/realms/:tenant/settings', async (context) =>
    context.json(
      await realms.putSettings(tenantOf(context), await bodyOf(context, realmSettingsSchema)),
    ),
  )
  app.post('/admin/realms/:tenant/users', async (context) => {
    const { subject, ...may } = await bodyOf(context, userBody)
    await realms.putUser(tenantOf(context), subject, may)
    return context.body(null, 204)
  })
  app.delete('/admin/realms/:tenant/users/:subject', async (context) => {
    await realms.removeUser(tenantOf(context), subjectOf(context))
    return context.body(null, 204)
  })
  app.post('/admin/realms/:tenant/clients', async (context) => {
    const { client, keys, ...may } = await bodyOf(context, clientBody)
    const secret = await realms.putClient(tenantOf(context), client, may, keys)
    return context.json(secret === undefined ? {} : { secret }, 200, NO_STORE)
  })
  app.get('/admin/realms/:tenant/clients', async (context) =>
    context.json({ clients: await realms.clients(tenantOf(context)) }),
  )
  app.delete('/admin/realms/:tenant/clients/:client', async (context) => {
    await realms.removeClient(tenantOf(context), parseClientId(context.req.param('client')))
    return context.body(null, 204)
  })
  app.post('/admin/realms/:tenant/registration', async (context) => {
    const { seconds } = await bodyOf(context, initialAccessBody)
    const token = await realms.createInitialAccessToken(tenantOf(context), seconds)
    return context.json({ token }, 200, NO_STORE)
  })
  app.get('/admin/realms/:tenant/users/:subject/api-keys', async (context) =>
    context.json({ keys: await realms.apiKeys(tenantOf(context), subjectOf(context)) }),
  )
  app.post('/admin/realms/:tenant/users/:subject/api-keys', async (context) => {
    const body = await bodyOf(context, apiKeyBody)
    const made = await realms.createApiKey(tenantOf(context), subjectOf(context), body)
    return context.json(made, 200, NO_STORE)
  })
  app.delete('/admin/realms/:tenant/users/:subject/api-keys/:id', async (context) => {
    await realms.removeApiKey(tenantOf(context), subjectOf(context), context.req.param('id'))
    return context.body(null, 204)
  })
  app.post('/admin/realms/:tenant/tokens', async (context) => {
    const { subject, scopes, seconds } = await bodyOf(context, tokenBody)
    const issued = await realms.issueFor(tenantOf(context), subject, {
      ...(scopes === undefined ? {} : { scopes }),
      ...(seconds === undefined ? {} : { seconds }),
    })
    return context.json(issued, 200, NO_STORE)
  })
  options.mount?.(app as unknown as Hono, realms)
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error) => problemResponse(error))
  return app as unknown as Hono
}

function tenantOf(context: Context) {
  return parseTenantId(context.req.param('tenant'))
}

function subjectOf(context: Context) {
  return parseSubject(context.req.param('subject'))
}

async function bodyOf<S extends z.ZodType>(context: Context, schema: S): Promise<z.output<S>> {
  const body: unknown = await context.req.json().catch(() => undefined)
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'the body'
  throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'invalid'}`)
}
