import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Scope } from '../core/lease.ts'
import { type ClientId, parseClientId, parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { UsedAssertions, verifyClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { signContext, type TenantContext, verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import type { RingfenceOptions } from './options.ts'

export const SERVICE = parseServiceName('clinic')
export const CLIENT = parseClientId('clinic-web')
const VENDING = 'ringfence-vending'
const CONTROL = 'ringfence-control'

export interface TestAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** An exchange whose client and context were found to be right. */
export interface TestExchange {
  readonly tenant: TenantId
  readonly kind: TenantContext['kind']
  readonly scope: Scope
}

export interface SeenCall {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/**
 * The platform as a service sees it, on a unix socket: vending's and control's endpoints, which check
 * client assertions and contexts as the real ones do and then answer as the test says.
 */
export interface TestPlatform {
  readonly options: RingfenceOptions & { readonly contextKeys: string }
  /** The same for a process. */
  readonly environment: Readonly<Record<string, string>>
  readonly requestKey: SigningKey
  readonly jobKey: SigningKey
  readonly calls: SeenCall[]
  /** A context as the gateway signs it. */
  context(
    tenant: TenantId,
    changed?: Partial<TenantContext>,
    seconds?: number,
    key?: SigningKey,
  ): Promise<string>
  close(): Promise<void>
}

export interface TestPlatformOptions {
  readonly lease: (exchange: TestExchange) => TestAnswer | Promise<TestAnswer>
  /** Tenants that jobs are for. */
  readonly tenants?: () => readonly TenantId[]
  /** A job context in place of the one that would be signed. */
  readonly jobToken?: (tenant: TenantId) => Promise<string>
  /** Seconds that a job context lives, instead of what was asked for. */
  readonly jobSeconds?: (tenant: TenantId) => number
}

export async function startTestPlatform(options: TestPlatformOptions): Promise<TestPlatform> {
  const [requestKey, jobKey, clientKey] = await Promise.all([
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('EdDSA'),
  ])
  const directory = await mkdtemp(join(tmpdir(), 'rf-platform-'))
  const socket = join(directory, 'platform.sock')
  const contextKeys = join(directory, 'context-keys.json')
  const clientKeyFile = join(directory, 'client-key.json')
  await writeFile(
    contextKeys,
    JSON.stringify({ request: [requestKey.publicJwk], job: [jobKey.publicJwk] }),
  )
  await writeFile(clientKeyFile, JSON.stringify(clientKey.privateJwk), { mode: 0o600 })
  const used = new UsedAssertions()
  const registered = new KeySet([clientKey.publicJwk])
  const authenticate = (assertion: string, audience: string): Promise<ClientId> =>
    verifyClientAssertion(
      assertion,
      audience,
      (client) => (client === CLIENT ? registered : undefined),
      used,
    )
  const keys = {
    request: new KeySet([requestKey.publicJwk]),
    job: new KeySet([jobKey.publicJwk]),
  }
  const calls: SeenCall[] = []

  async function exchange(body: string): Promise<TestAnswer> {
    const form = new URLSearchParams(body)
    const field = (name: string) => form.get(name) ?? ''
    if (
      field('grant_type') !== 'urn:ietf:params:oauth:grant-type:token-exchange' ||
      field('subject_token_type') !== 'urn:ietf:params:oauth:token-type:jwt' ||
      field('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    ) {
      return { status: 400, body: { error: 'invalid_request' } }
    }
    const client = await authenticate(field('client_assertion'), VENDING).catch(() => undefined)
    if (client === undefined) return { status: 401, body: { error: 'invalid_client' } }
    const context = await verifyContext(field('subject_token'), keys, SERVICE).catch(
      () => undefined,
    )
    if (context === undefined) return { status: 400, body: { error: 'invalid_grant' } }
    const scope = context.scopes.find((one) => one === field('scope'))
    if (scope === undefined) return { status: 400, body: { error: 'invalid_scope' } }
    return options.lease({ tenant: context.tenant, kind: context.kind, scope })
  }

  async function jobContexts(body: string): Promise<TestAnswer> {
    const job = JSON.parse(body) as {
      client_assertion: string
      job: string
      scopes: Scope[]
      seconds: number
      reason: string
      tenants?: TenantId[]
    }
    const client = await authenticate(job.client_assertion, CONTROL).catch(() => undefined)
    if (client === undefined) return { status: 401, body: { code: 'not_authenticated' } }
    if (job.reason === '') return { status: 400, body: { code: 'invalid_argument' } }
    const items = (job.tenants ?? options.tenants?.() ?? []).map(async (tenant) => {
      const seconds = options.jobSeconds?.(tenant) ?? job.seconds
      const signed = signContext(
        jobKey,
        {
          ...{ kind: 'job' as const, tenant, service: SERVICE, scopes: job.scopes, roles: [] },
          subject: parseSubject(`job:${job.job}`),
          requestId: `run-${tenant}`,
        },
        seconds,
      )
      const token = await (options.jobToken?.(tenant) ?? signed)
      return { tenant, token, expires_at: new Date(Date.now() + seconds * 1_000) }
    })
    return { status: 200, body: { items: await Promise.all(items) } }
  }

  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? ''
      const body = await text(request)
      calls.push({ path, headers: request.headers, body })
      let answer: TestAnswer = { status: 404, body: {} }
      if (path === '/v1/token') answer = await exchange(body)
      else if (path === '/v1/leases/revoke') answer = { status: 200, body: {} }
      else if (path === '/v1/job-contexts') answer = await jobContexts(body)
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
    })()
  })
  server.listen(socket)
  await once(server, 'listening')
  const address = `unix:${socket}`
  return {
    options: {
      ...{ service: SERVICE, clientId: CLIENT, clientKey: clientKey.privateJwk, contextKeys },
      vending: { address, audience: VENDING },
      control: { address, audience: CONTROL },
    },
    environment: {
      RINGFENCE_SERVICE: SERVICE,
      RINGFENCE_CLIENT_ID: CLIENT,
      RINGFENCE_CLIENT_KEY: clientKeyFile,
      RINGFENCE_CONTEXT_KEYS: contextKeys,
      RINGFENCE_VENDING: address,
      RINGFENCE_VENDING_AUDIENCE: VENDING,
      RINGFENCE_CONTROL: address,
      RINGFENCE_CONTROL_AUDIENCE: CONTROL,
    },
    ...{ requestKey, jobKey, calls },
    context: (tenant, changed = {}, seconds = 60, key = requestKey) =>
      signContext(
        key,
        {
          ...{ kind: 'request', tenant, service: SERVICE, scopes: ['read', 'write'], roles: [] },
          subject: parseSubject('ada'),
          requestId: 'request-1',
          ...changed,
        },
        seconds,
      ),
    async close() {
      server.closeAllConnections()
      server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A lease as vending hands it out. */
export function leaseAnswer(
  leaseId: string,
  seconds: number,
  data: {
    readonly host: string
    readonly port: number
    readonly database: string
    readonly user: string
    readonly password: string
  },
): TestAnswer {
  return {
    status: 200,
    body: {
      ...{ lease_id: leaseId, lease_duration: seconds, renewable: true, data },
      issued_token_type: 'urn:ringfence:params:token-type:postgres-credential',
      access_token: leaseId,
      token_type: 'N_A',
      expires_in: seconds,
    },
  }
}

export const tenantNamed = (id: string): TenantId => parseTenantId(id)
