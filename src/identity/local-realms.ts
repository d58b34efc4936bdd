import { RingfenceError } from '../core/errors.ts'
import type { RealmAdministration } from './realm-administration.ts'
import { type Issuing, issueToken } from './token-endpoint.ts'

/** The client through which tokens for trying are issued. */
const TRYING = 'ringfence-cli'

/** Realms administered in this process. */
export function localRealms(issuing: Issuing): RealmAdministration {
  const { store, keys } = issuing
  return {
    async ensure(tenant, displayName) {
      await store.ensure(tenant, displayName)
      return { issuer: issuing.issuerOf(tenant), keys: await keys.handOver(tenant) }
    },
    async find(tenant) {
      if ((await store.issuer(tenant)) === undefined) return undefined
      return { issuer: issuing.issuerOf(tenant), keys: await keys.handOver(tenant) }
    },
    setOpen: (tenant, open) => store.setOpen(tenant, open),
    remove: (tenant) => store.remove(tenant),
    rotateKeys: (tenant, compromised = false) =>
      compromised ? keys.replaceAll(tenant) : keys.rotate(tenant),
    putUser: (tenant, subject, may) => store.putUser(tenant, subject, may),
    removeUser: (tenant, subject) => store.removeUser(tenant, subject),
    putClient: (tenant, client, may, publicKeys) =>
      store.putClient(tenant, client, may, publicKeys),
    removeClient: (tenant, client) => store.removeClient(tenant, client),
    async issueFor(tenant, subject, { scopes, seconds } = {}) {
      const user = await store.user(tenant, subject)
      if (user === undefined || !(await store.isOpen(tenant))) {
        throw new RingfenceError('not_found', 'there is no such user in an open realm')
      }
      const asked = scopes ?? user.scopes
      if (asked.some((scope) => !user.scopes.includes(scope))) {
        throw new RingfenceError('forbidden', 'the user does not have this scope')
      }
      const access = { tenant, subject, client: TRYING, scopes: asked, roles: user.roles }
      return issueToken(issuing, access, seconds)
    },
  }
}
