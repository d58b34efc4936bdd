import type { OperatorAccounts } from '../../control/operators/people.ts'
import { knownRoles } from '../../control/operators/roles.ts'
import { type remoteOperatorAccounts } from '../../identity/operators/accounts-admin.ts'

type Accounts = ReturnType<typeof remoteOperatorAccounts>
type Account = Awaited<ReturnType<Accounts['list']>>[number]

/** Accounts of the operators' realm, with those of their roles that the control plane knows. */
export function operatorAccounts(accounts: Accounts): OperatorAccounts {
  const known = (account: Account) => ({ ...account, roles: knownRoles(account.roles) })
  return {
    list: async () => (await accounts.list()).map(known),
    invite: async (invitation) => known(await accounts.invite(invitation)),
    setRoles: (person, roles) => accounts.setRoles(person, roles),
    remove: (person) => accounts.remove(person),
  }
}
