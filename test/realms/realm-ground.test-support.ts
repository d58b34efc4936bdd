import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AskRealm } from '../../src/administration/operations.ts'
import { controlApi } from '../../src/control/api/control-api.ts'
import {
  type ControlSite,
  fillCatalogue,
  onboarded,
  startControlSite,
} from '../../src/control/control-site.test-support.ts'
import { OPERATOR_SCOPES, type OperatorScope } from '../../src/control/control-plane.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import { parseClientId } from '../../src/core/names.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { listen, listenWith, type Listening } from '../../src/http/listen.ts'
import { remoteAdministration } from '../../src/identity/administration/administration-admin.ts'
import { mountRealms } from '../../src/identity/mount-realms.ts'
import { type Identity, openIdentity } from '../../src/identity/open-identity.ts'
import { remoteRealms } from '../../src/identity/remote-realms.ts'
import { PostgresRevocations } from '../../src/revocation/postgres-revocations.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: ReturnType<typeof JSON.parse>
}

export interface RealmGround {
  readonly site: ControlSite
  readonly plane: OpenControlPlane
  readonly identity: Identity
  /** Where realms are served, `http://127.0.0.1:port`. */
  readonly origin: string
  readonly logged: string[]
  /** What the control plane's calls to identity go through. */
  through: (ask: AskRealm) => AskRealm
  /** Asks the control API, with every scope unless told. */
  call(method: string, path: string, body?: unknown, more?: More): Promise<Answered>
  operator(name: string, scopes?: readonly OperatorScope[]): Promise<string>
  tenant(id: string): Promise<TenantId>
  /** How many mails were sent. */
  mails(): Promise<number>
  /** The identity plane's door for us is shut, until it is opened again. */
  shut(): Promise<() => Promise<void>>
  stop(): Promise<void>
}

export interface More {
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string
}

const AUDIENCE = 'urn:test:identity'
const CONTROL = parseClientId('control')

/** A real control plane and a real identity plane on one database, as in production; cells are fake. */
export async function realmGround(): Promise<RealmGround> {
  const site = await startControlSite()
  const key = await SigningKey.create('ES256')
  const logged: string[] = []
  const log = (line: string) => logged.push(line)
  const sealingKeyFile = join(site.directory, 'sealing-key')
  await writeFile(sealingKeyFile, randomBytes(32).toString('base64url'), { mode: 0o600 })
  const mail = join(site.directory, 'mail')
  await mkdir(mail)
  // Its issuers name where it is served.
  const server = createServer((request, response) => identity.app(request, response))
  const world = await listenWith(server, { host: '127.0.0.1', port: 0 })
  const audience = 'https://api.example.test'
  const identity = await openIdentity({
    database: site.settings.rf_identity,
    baseUrl: world.url,
    audience,
    adminAudience: AUDIENCE,
    adminClients: [{ client: CONTROL, keys: [key.publicJwk] }],
    sealingKeyFile,
    keys: { leadSeconds: 0 },
    publisher: new PostgresRevocations(),
    operatorsAudience: 'urn:ringfence:control',
    insideAllowed: true,
    mount: (parts) =>
      mountRealms(parts, {
        signIn: { mail: { by: 'file', directory: mail, from: 'no-reply@id.test' } },
        audience,
        insideAllowed: true,
        log,
      }),
    log,
  })
  const socket = join(site.directory, 'admin.sock')
  let admin: Listening = await listen(identity.admin.fetch, { socket })
  const remote = { address: admin.url, audience: AUDIENCE, client: CONTROL, key }
  const administration = remoteAdministration(remote)
  const ground = { through: (ask: AskRealm): AskRealm => ask }
  const plane = await site.open({
    ports: {
      ...site.ports,
      realms: remoteRealms(remote),
      administration: (name, tenant, input, call) =>
        ground.through(administration)(name, tenant, input, call),
    },
    revocations: { publisher: new PostgresRevocations() },
    log,
  })
  await fillCatalogue(plane)
  const token = (await plane.operators.bootstrap()) ?? ''
  const api = controlApi(plane, {
    version: '1.2.3',
    log,
    failedAuthenticationsPerMinute: 1_000_000,
  })
  return Object.assign(ground, {
    site,
    plane,
    identity,
    origin: world.url,
    logged,
    async call(method: string, path: string, body?: unknown, more: More = {}) {
      const response = await api.request(path, {
        method,
        headers: {
          authorization: `Bearer ${more.token ?? token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...more.headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      const json: unknown = isJson ? JSON.parse(text) : {}
      return { status: response.status, headers: response.headers, text, json }
    },
    async operator(name: string, scopes: readonly OperatorScope[] = OPERATOR_SCOPES) {
      const by = { kind: 'system', name: 'test', scopes: OPERATOR_SCOPES, requestId: 't' } as const
      return (await plane.operators.create({ name, scopes }, by)).token
    },
    tenant: (id: string) => onboarded(plane, id),
    mails: async () => (await readdir(mail)).filter((name) => name.endsWith('.eml')).length,
    async shut() {
      await admin.close()
      return async () => {
        admin = await listen(identity.admin.fetch, { socket })
      }
    },
    async stop() {
      await plane.close()
      await Promise.all([admin.close(), world.close()])
      await identity.close()
      await site.stop()
    },
  })
}

/** The answer's JSON, of a call that succeeded. */
export function good(answer: Answered): Answered['json'] {
  assert.ok(answer.status < 300, `${answer.status} ${answer.text}`)
  return answer.json
}
