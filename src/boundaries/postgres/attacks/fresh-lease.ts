import { ident } from '../connection.ts'
import type { Arena } from '../rehearsal/arena.ts'
import type { Side } from '../rehearsal/side.ts'
import { type Duel, must, runAll } from './postgres-attack.ts'

export type Login = Awaited<ReturnType<Arena['freshLogin']>>

/** The lease that the steps of one strike share, and the number of its role. */
const targets = new WeakMap<Duel, { readonly login: Login; readonly number: string }>()

/** A lease that nothing else in the rehearsal uses. */
export async function takeLease(duel: Duel, side: Side): Promise<Login> {
  const login = await duel.arena.freshLogin(side)
  const admin = await duel.arena.admin(side)
  const number = await admin.value('select oid from pg_roles where rolname = $1', [login.user])
  targets.set(duel, { login, number: number ?? '0' })
  return login
}

/** The lease that an earlier step of the strike took. */
export function leaseOf(duel: Duel): Login {
  const found = targets.get(duel)
  must(found !== undefined, 'get a lease')
  return found.login
}

/** Ends the lease, and makes its role, which later leases use again, what it was. */
export async function endLease(duel: Duel, side: Side): Promise<void> {
  const target = targets.get(duel)
  if (target === undefined) return
  const { login, number } = target
  const { names, custodian } = side.site
  const admin = await duel.arena.admin(side)
  const present = await admin.value('select rolname from pg_roles where oid = $1', [number])
  const role = ident(login.user)
  const group = duel.tier === 'pooled' ? names.pooledGroups.write : names.groups.write
  if (present !== undefined && present !== login.user) {
    await admin.run(`alter role ${ident(present)} rename to ${role}`)
  }
  if (present !== undefined) {
    await runAll(admin, [
      `alter role ${role} nosuperuser nocreatedb nocreaterole noreplication nobypassrls`,
      `alter role ${role} reset all`,
      `alter role ${role} in database ${ident(side.database)} reset all`,
      `grant ${ident(group)} to ${role}`,
    ])
  }
  await custodian.end(side.tenant, login.leaseId, 'revoked')
}
