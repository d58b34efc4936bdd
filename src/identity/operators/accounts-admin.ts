import type { Hono } from 'hono'
import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import { parsed } from '../../core/parsed.ts'
import { type AdminCallOptions, adminCall, readAnswer } from '../admin-call.ts'
import type { LocalOperatorAccounts, OperatorAccount } from './operator-accounts.ts'

type Accounts = Pick<LocalOperatorAccounts, 'list' | 'invite' | 'setRoles' | 'remove'>

const AT = `/admin/realms/${OPERATORS_REALM}/operators`
const roles = z.array(z.string().min(1).max(100)).max(20)
const inviteBody = z.strictObject({
  email: z.string().min(3).max(254),
  displayName: z.string().min(1).max(200),
  roles,
})
const rolesBody = z.strictObject({ roles })
const accountAnswer = z
  .object({
    subject: parsed(parseSubject),
    email: z.string().optional(),
    displayName: z.string().optional(),
    roles: z.array(z.string()),
    active: z.boolean(),
    createdAt: z.coerce.date(),
  })
  .transform(
    ({ email, displayName, ...rest }): OperatorAccount => ({ ...rest, email, displayName }),
  )
const accountsAnswer = z.object({ accounts: z.array(accountAnswer) })

/** Accounts of the operators' realm, on the administration listener. */
export function accountsAdmin(accounts: Accounts): (app: Hono) => void {
  return (app) => {
    app.get(AT, async (context) => context.json({ accounts: await accounts.list() }))
    app.post(AT, async (context) => {
      const body = bodyOf(inviteBody, await context.req.json().catch(() => undefined))
      return context.json(await accounts.invite(body))
    })
    app.put(`${AT}/:subject/roles`, async (context) => {
      const body = bodyOf(rolesBody, await context.req.json().catch(() => undefined))
      await accounts.setRoles(parseSubject(context.req.param('subject')), body.roles)
      return context.body(null, 204)
    })
    app.delete(`${AT}/:subject`, async (context) => {
      await accounts.remove(parseSubject(context.req.param('subject')))
      return context.body(null, 204)
    })
  }
}

/** The accounts in another process. */
export function remoteOperatorAccounts(options: AdminCallOptions): Accounts {
  const ask = adminCall(options)
  return {
    list: async () =>
      readAnswer(accountsAnswer, await ask('GET', OPERATORS_REALM, '/operators')).accounts,
    invite: async (invitation) =>
      readAnswer(accountAnswer, await ask('POST', OPERATORS_REALM, '/operators', invitation)),
    async setRoles(subject, wanted) {
      const path = `/operators/${encodeURIComponent(subject)}/roles`
      await ask('PUT', OPERATORS_REALM, path, { roles: wanted })
    },
    async remove(subject) {
      await ask('DELETE', OPERATORS_REALM, `/operators/${encodeURIComponent(subject)}`)
    },
  }
}

function bodyOf<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new RingfenceError(
    'invalid_argument',
    `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'invalid'}`,
  )
}
