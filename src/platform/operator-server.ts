import { Hono } from 'hono'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { SCOPES } from '../core/lease.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { exportToDirectory } from './export-to-directory.ts'
import type { Boundary } from '../boundaries/boundary.ts'
import type { TenantEntry } from '../control/registry.ts'
import type { Finding } from '../core/finding.ts'
import type { LeaseCache } from '../vending/lease-cache.ts'

const leaseBody = z.strictObject({ scope: z.enum(SCOPES).default('read') })
const contextBody = z.strictObject({ seconds: z.int().min(1).max(3600).default(900) })

const exportBody = z.strictObject({ directory: z.string().min(1) })

const STATUS = {
  tenant_unknown: 404,
  invalid_argument: 400,
  invalid_tenant_id: 400,
  lease_denied: 429,
} as const

/** What of a platform its operator may ask. */
export interface OperatedPlatform {
  readonly leases: LeaseCache
  readonly registry: { list(): Promise<readonly TenantEntry[]> }
  /** @throws RingfenceError `tenant_unknown` */
  boundaryOf(tenant: TenantId): Promise<Boundary>
  contextFor(tenant: TenantId, seconds: number): Promise<string>
  inspect(): Promise<readonly Finding[]>
}

/**
 * What the operating system's user who runs the platform may ask of it, on a unix socket that only
 * this user can open. Errors are RFC 9457 problem documents.
 */
export function operatorApp(platform: OperatedPlatform): Hono {
  const app = new Hono()
  app.get('/v1/tenants', async (context) => context.json(await platform.registry.list()))
  app.post('/v1/tenants/:id/leases', async (context) => {
    const { scope } = leaseBody.parse(await context.req.json())
    const lease = await platform.leases.get(parseTenantId(context.req.param('id')), scope)
    return context.json({ ...lease, lease_duration: platform.leases.secondsLeft(lease) })
  })
  app.delete('/v1/tenants/:id/leases', async (context) => {
    return context.json(await platform.leases.revoke(parseTenantId(context.req.param('id'))))
  })
  app.get('/v1/tenants/:id/leases', async (context) => {
    const tenant = parseTenantId(context.req.param('id'))
    return context.json(await (await platform.boundaryOf(tenant)).leases(tenant))
  })
  app.post('/v1/tenants/:id/context', async (context) => {
    const { seconds } = contextBody.parse(await context.req.json())
    const tenant = parseTenantId(context.req.param('id'))
    await platform.boundaryOf(tenant)
    return context.json({ token: await platform.contextFor(tenant, seconds), expires_in: seconds })
  })
  app.post('/v1/tenants/:id/export', async (context) => {
    const { directory } = exportBody.parse(await context.req.json())
    const tenant = parseTenantId(context.req.param('id'))
    return context.json(
      await exportToDirectory(await platform.boundaryOf(tenant), tenant, directory),
    )
  })
  app.get('/v1/findings', async (context) => context.json(await platform.inspect()))
  app.onError((error, context) => {
    const code =
      error instanceof RingfenceError
        ? error.code
        : error instanceof z.ZodError
          ? 'invalid_argument'
          : 'internal'
    const status = code in STATUS ? STATUS[code as keyof typeof STATUS] : 500
    const title = error instanceof RingfenceError ? error.message : code
    return context.json({ type: `urn:ringfence:error:${code}`, title, status, code }, status, {
      'content-type': 'application/problem+json',
    })
  })
  return app
}
