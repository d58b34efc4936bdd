import type { Hono } from 'hono'
import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { shownSupportSchema, supportDecisionSchema } from '../../core/support-terms.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { ACCESS_TOKEN_SECONDS_MAX } from '../../tokens/access-token.ts'
import { type AdminCallOptions, adminCall, readAnswer } from '../admin-call.ts'
import type { PostgresSupportRecord } from './postgres-support-record.ts'

type Desk = Pick<PostgresSupportRecord, 'show' | 'decisions' | 'issue'>

const tokenBody = z.strictObject({ seconds: z.int().min(1).max(ACCESS_TOKEN_SECONDS_MAX) })
const decisionsAnswer = z.object({ decisions: z.array(supportDecisionSchema) })
const tokenAnswer = z.object({ token: z.string(), expiresAt: z.coerce.date() })

/** The control plane's part of tenants' records, on the administration listener. */
export function supportAdmin(record: Desk): (app: Hono) => void {
  return (app) => {
    app.put('/admin/realms/:tenant/support/:access', async (context) => {
      const shown = bodyOf(shownSupportSchema, await context.req.json().catch(() => undefined))
      const { tenant, access } = context.req.param()
      // The path and the body are one access of one tenant.
      if (shown.tenant !== parseTenantId(tenant) || shown.id !== access) {
        throw new RingfenceError('invalid_argument', 'the access is another one')
      }
      const { endsAt, changes, ...rest } = shown
      await record.show({
        ...rest,
        endsAt,
        changes: changes.map(({ from, ...change }) => ({ ...change, from })),
      })
      return context.body(null, 204)
    })
    app.get('/admin/realms/:tenant/support-decisions', async (context) =>
      context.json({
        decisions: await record.decisions(parseTenantId(context.req.param('tenant'))),
      }),
    )
    app.post('/admin/realms/:tenant/support/:access/token', async (context) => {
      const { seconds } = bodyOf(tokenBody, await context.req.json().catch(() => undefined))
      const { tenant, access } = context.req.param()
      const issued = await record.issue(parseTenantId(tenant), access, seconds)
      return context.json(issued, 200, { 'cache-control': 'no-store' })
    })
  }
}

/** Tenants' records in another process. */
export function remoteSupport(options: AdminCallOptions): Desk {
  const ask = adminCall(options)
  return {
    async show(access) {
      await ask('PUT', access.tenant, `/support/${encodeURIComponent(access.id)}`, access)
    },
    decisions: async (tenant) =>
      readAnswer(decisionsAnswer, await ask('GET', tenant, '/support-decisions')).decisions,
    issue: async (tenant, access, seconds) =>
      readAnswer(
        tokenAnswer,
        await ask('POST', tenant, `/support/${encodeURIComponent(access)}/token`, { seconds }),
      ),
  }
}

function bodyOf<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'the body'
  throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'invalid'}`)
}
