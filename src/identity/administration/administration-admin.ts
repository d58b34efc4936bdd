import type { Hono } from 'hono'
import { z } from 'zod'
import {
  type AskRealm,
  describedOperation,
  REALM_OPERATION_NAMES,
  type RealmOutput,
} from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { type AdminCallOptions, adminCall, readAnswer } from '../admin-call.ts'
import type { AnswerRealm } from './realm-administrator.ts'

const callSchema = z.strictObject({
  input: z.record(z.string(), z.unknown()),
  call: z.strictObject({
    key: z.string().min(1).max(200).optional(),
    repeated: z.boolean().optional(),
  }),
})

/** The administration of realms by operators, on the administration listener. */
export function realmsAdmin(answer: AnswerRealm): (app: Hono) => void {
  return (app) => {
    app.post('/admin/realms/:tenant/operations/:operation', async (context) => {
      const { tenant, operation } = context.req.param()
      const name = REALM_OPERATION_NAMES.find((one) => one === operation)
      if (name === undefined) throw new RingfenceError('not_found', 'there is no such operation')
      const read = callSchema.safeParse(await context.req.json().catch(() => undefined))
      if (!read.success) throw new RingfenceError('invalid_argument', 'that is not a call')
      const { input, call } = read.data
      const { key, repeated = false } = call
      const answered = await answer(name, parseTenantId(tenant), input, {
        repeated,
        ...(key === undefined ? {} : { key }),
      })
      return context.json({ answer: answered }, 200, { 'cache-control': 'no-store' })
    })
  }
}

/** The same in another process. */
export function remoteAdministration(options: AdminCallOptions): AskRealm {
  const ask = adminCall(options)
  return async (name, tenant, input, call = {}) => {
    const answered = await ask('POST', tenant, `/operations/${name}`, { input, call })
    const { output } = describedOperation(name)
    const { answer } = readAnswer(z.object({ answer: output }), answered)
    return answer as RealmOutput<typeof name>
  }
}
