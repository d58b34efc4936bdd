import { randomUUID } from 'node:crypto'
import type {
  CheckedInput,
  RealmOperationName,
  RealmOutput,
} from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'

type Handlers = {
  readonly [N in RealmOperationName]: (input: CheckedInput<N>) => RealmOutput<N>
}

const MADE = '2026-01-02T03:04:05.000Z'
const done = () => ({ at: new Date().toISOString() })

/** What is kept of one kind of thing, by its id. */
class Kept<T> {
  readonly #all = new Map<string, T>()
  readonly #keyOf: (item: T) => string

  constructor(keyOf: (item: T) => string) {
    this.#keyOf = keyOf
  }

  page({ limit, after = '' }: { readonly limit: number; readonly after?: string | undefined }) {
    const keys = [...this.#all.keys()].toSorted().filter((key) => key > after)
    return { items: keys.slice(0, limit).map((key) => this.get(key)) }
  }

  get(key: string): T {
    const found = this.#all.get(key)
    if (found === undefined) throw new RingfenceError('not_found', 'there is no such thing')
    return found
  }

  has(key: string): boolean {
    return this.#all.has(key)
  }

  put(item: T): T {
    this.#all.set(this.#keyOf(item), item)
    return item
  }

  remove(key: string) {
    this.get(key)
    this.#all.delete(key)
    return done()
  }

  clear(): void {
    this.#all.clear()
  }
}

/** Takes `null` and what is there in place of what is not given. */
function changed<T extends { readonly revision: number }>(
  before: T,
  expected: number | undefined,
  change: object,
): T {
  if (expected !== undefined && expected !== before.revision) {
    throw new RingfenceError('precondition_failed', 'it was changed meanwhile')
  }
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  return { ...before, ...Object.fromEntries(given), revision: before.revision + 1 }
}

/** One tenant's realm in memory, which answers as an identity plane does. */
export class MemoryRealm {
  readonly users = new Kept<RealmOutput<'getUser'>>(({ id }) => id)
  readonly groups = new Kept<RealmOutput<'getGroup'>>(({ id }) => id)
  readonly roles = new Kept<RealmOutput<'putRole'>>(({ name }) => name)
  readonly bindings = new Kept<RealmOutput<'bindRole'>>(({ place, role }) => `${place} ${role}`)
  readonly clients = new Kept<RealmOutput<'getClient'>>(({ id }) => id)
  readonly connections = new Kept<RealmOutput<'getConnection'>>(({ id }) => id)
  readonly sources = new Kept<RealmOutput<'allowSource'>>(({ kind, source }) => `${kind} ${source}`)
  readonly domains = new Kept<RealmOutput<'addDomain'>>(
    ({ domain, connection }) => `${domain} ${connection}`,
  )
  readonly scimTokens = new Kept<RealmOutput<'createScimToken'>['token']>(({ id }) => id)
  readonly sessions = new Kept<RealmOutput<'getSession'>>(({ id }) => id)
  readonly apiKeys = new Kept<RealmOutput<'listApiKeys'>['items'][number]>(({ id }) => id)
  realm: RealmOutput<'getRealm'>

  constructor(tenant: string) {
    this.realm = {
      issuer: `https://id.example/realms/${tenant}`,
      display_name: tenant,
      open: true,
      settings: { mfa: 'optional' },
      revision: 1,
    }
    this.sessions.put({
      ...{ id: 'session-1', user: 'alice', device: 'Firefox on Linux', address: '192.0.2.1' },
      ...{ started_at: MADE, signed_in_at: MADE, seen_at: MADE, acr: null, amr: ['pwd'] },
      clients: [{ client: 'app', sid: 'sid-1' }],
    })
    this.apiKeys.put({
      ...{ id: 'key-1', label: 'CI', scopes: ['read'] },
      ...{ created_at: MADE, expires_at: MADE, used_at: null },
    })
  }

  readonly handlers: Handlers = {
    getRealm: () => this.realm,
    putRealmSettings: ({ settings, if_revision }) => {
      this.realm = changed(this.realm, if_revision, { settings })
      return this.realm
    },
    listScimTokens: (page) => this.scimTokens.page(page),
    createScimToken: ({ name, emails_verified }) => {
      const times = { created_at: MADE, expires_at: MADE, used_at: null }
      const token = { id: randomUUID(), name, emails_verified, ...times }
      return { token: this.scimTokens.put(token), secret: `rfs_${randomUUID()}` }
    },
    revokeScimToken: ({ scim_token }) => this.scimTokens.remove(scim_token),
    revoke: () => done(),
    listUsers: (page) => this.users.page(page),
    createUser: ({ id = randomUUID(), ...given }) => {
      if (this.users.has(id)) throw new RingfenceError('conflict', 'the name is taken')
      return this.users.put({
        ...{ id, created_at: MADE, changed_at: MADE, revision: 1 },
        user_name: given.user_name ?? null,
        email: given.email ?? null,
        email_verified: given.email_verified ?? false,
        display_name: given.display_name ?? null,
        given_name: given.given_name ?? null,
        family_name: given.family_name ?? null,
        external_id: given.external_id ?? null,
        active: given.active ?? true,
      })
    },
    getUser: ({ user }) => this.users.get(user),
    updateUser: ({ user, if_revision, ...change }) =>
      this.users.put(changed(this.users.get(user), if_revision, change)),
    removeUser: ({ user }) => this.users.remove(user),
    inviteUser: ({ user }) => this.users.get(user) && done(),
    resetUserPassword: ({ user }) => this.users.get(user) && done(),
    resetUserFactors: ({ user }) => this.users.get(user) && done(),
    getUserAuthority: ({ user }) =>
      this.users.get(user) && { roles: ['nurse'], scopes: ['read'], placed_roles: [] },
    listApiKeys: ({ user: _user, ...page }) => this.apiKeys.page(page),
    revokeApiKey: ({ key }) => this.apiKeys.remove(key),
    listGroups: (page) => {
      const { items } = this.groups.page(page)
      return { items: items.map(({ members: _members, ...group }) => group) }
    },
    createGroup: ({ display_name, external_id = null, members = [] }) =>
      this.groups.put({
        ...{ id: randomUUID(), display_name, external_id, members },
        ...{ created_at: MADE, changed_at: MADE, revision: 1 },
      }),
    getGroup: ({ group }) => this.groups.get(group),
    updateGroup: ({ group, if_revision, ...change }) =>
      this.groups.put(changed(this.groups.get(group), if_revision, change)),
    removeGroup: ({ group }) => this.groups.remove(group),
    addGroupMember: ({ group, user }) => this.#members(group, (all) => [...all, user]),
    removeGroupMember: ({ group, user }) =>
      this.#members(group, (all) => all.filter((one) => one !== user)),
    listRoles: (page) => this.roles.page(page),
    putRole: ({ role, ...rest }) => this.roles.put({ name: role, ...rest }),
    removeRole: ({ role }) => this.roles.remove(role),
    listBindings: (page) => this.bindings.page(page),
    bindRole: ({ role, place, effect }) => this.bindings.put({ role, place, effect }),
    unbindRole: ({ role, place }) => this.bindings.remove(`${place} ${role}`),
    listClients: (page) => this.clients.page(page),
    getClient: ({ client }) => this.clients.get(client),
    createClient: (input) => {
      if (this.clients.has(input.client)) throw new RingfenceError('conflict', 'it is there')
      return this.#client(input)
    },
    putClient: (input) => this.clients.get(input.client) && this.#client(input),
    removeClient: ({ client }) => this.clients.remove(client),
    createRegistrationToken: () => ({ token: `token-${randomUUID()}`, expires_at: MADE }),
    listConnections: (page) => this.connections.page(page),
    getConnection: ({ connection }) => this.connections.get(connection),
    putConnection: ({ connection, if_revision, client_secret: _secret, ...said }) => {
      const before = this.connections.has(connection)
        ? this.connections.get(connection)
        : { id: connection, ...said, revision: 0 }
      return this.connections.put(changed(before, if_revision, said))
    },
    removeConnection: ({ connection }) => this.connections.remove(connection),
    getConnectionSetup: ({ connection }) => ({
      kind: this.connections.get(connection).kind,
      redirect_uri: 'https://id.example/callback',
      ...{ client_jwk: null, entity_id: null, assertion_consumer_service: null, metadata: null },
    }),
    testConnection: ({ connection }) =>
      this.connections.get(connection) && {
        ...{ result: 'refused', reason: 'unknown_user', detail: null, user: null, roles: null },
        ...{ external_subject: 'bob', change: {}, email_trusted: false, problems: [], ignored: [] },
      },
    listSources: (page) => this.sources.page(page),
    allowSource: (source) => this.sources.put(source),
    disallowSource: ({ kind, source }) => this.sources.remove(`${kind} ${source}`),
    listDomains: (page) => this.domains.page(page),
    addDomain: ({ domain, connection }) => {
      const record = { record_name: `_ringfence-challenge.${domain}`, record_value: 'x' }
      const claim = { domain, connection, ...record, verified: false, checked_at: null }
      return this.domains.put(claim)
    },
    verifyDomain: ({ domain, connection }) => {
      const claim = this.domains.get(`${domain} ${connection}`)
      return this.domains.put({ ...claim, verified: true, checked_at: MADE })
    },
    removeDomain: ({ domain, connection }) => this.domains.remove(`${domain} ${connection}`),
    listSessions: (page) => this.sessions.page(page),
    getSession: ({ session }) => this.sessions.get(session),
    endSession: ({ session }) => this.sessions.remove(session),
    endSessions: () => {
      const sessions = this.sessions.page({ limit: 1_000 }).items.length
      this.sessions.clear()
      return { ...done(), sessions }
    },
    listGrantUses: ({ limit }) => ({
      items: [
        {
          ...({ grant: 'gr-0123456789abcdef0123', side: 'grantee', token: 'use-1' } as const),
          ...{ scopes: ['read'], at: MADE },
        },
      ].slice(0, limit),
    }),
  }

  #members(group: string, change: (all: readonly string[]) => string[]) {
    const before = this.groups.get(group)
    return this.groups.put(changed(before, undefined, { members: change(before.members) }))
  }

  #client({ client, ...said }: CheckedInput<'putClient'>): RealmOutput<'putClient'> {
    const kept = this.clients.put({
      id: client,
      name: said.name ?? null,
      auth_method: said.auth_method ?? 'client_secret_basic',
      grant_types: said.grant_types ?? ['client_credentials'],
      redirect_uris: said.redirect_uris ?? [],
      post_logout_redirect_uris: said.post_logout_redirect_uris ?? [],
      backchannel_logout_uri: said.backchannel_logout_uri ?? null,
      origins: said.origins ?? [],
      first_party: said.first_party ?? true,
      dpop_bound: said.dpop_bound ?? false,
      id_token_alg: said.id_token_alg ?? 'ES256',
      roles: said.roles ?? [],
      scopes: said.scopes ?? ['read'],
      registered: false,
    })
    return { client: kept, secret: said.keys === undefined ? `rfc_${randomUUID()}` : null }
  }
}
