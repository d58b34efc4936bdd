import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditEntry, auditEntrySchema } from '../audit/entry.ts'
import { RingfenceError } from '../core/errors.ts'
import type { Scope } from '../core/lease.ts'
import { parseClientId, parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { linesOf } from '../journal/lines-of.test-support.ts'
import { MemoryRevocations } from '../revocation/memory-revocations.test-support.ts'
import { CLIENT_ASSERTION_TYPE, signClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { signContext, type TenantContext } from '../tokens/tenant-context.ts'
import { GRANT_TYPE, SUBJECT_TOKEN_TYPE } from './attempt.ts'
import { FixedConfiguration } from './fixed-configuration.test-support.ts'
import { type JournalEntry, journalEntrySchema } from './journal-entry.ts'
import { MemoryLeaser } from './memory-leaser.test-support.ts'
import { openVending, type Vending, type VendingOptions } from './vending.ts'

export const AUDIENCE = 'ringfence-vending'
const EU = 'eu-west-1'

/** Keys are made once for a test file: they are not what is tested. */
export const KEYS = {
  gateway: await SigningKey.create('ES256'),
  control: await SigningKey.create('EdDSA'),
  web: await SigningKey.create('EdDSA'),
  report: await SigningKey.create('EdDSA'),
  billing: await SigningKey.create('EdDSA'),
  stranger: await SigningKey.create('EdDSA'),
}

export interface World {
  readonly leaser: MemoryLeaser
  readonly configuration: FixedConfiguration
  readonly revocations: MemoryRevocations
  readonly directory: string
  readonly logged: string[]
  vending: Vending
  /** Closes vending and opens it again on the same journal; `meanwhile` happens while it is down. */
  restart(meanwhile?: () => void): Promise<void>
  journal(): readonly JournalEntry[]
  close(): Promise<void>
}

/** Two services, three workloads, and tenants in every status. */
export function testConfiguration(): FixedConfiguration {
  const workload = (
    client: string,
    service: string,
    key: SigningKey,
    scopes: readonly Scope[],
  ) => ({
    client,
    service,
    keys: [key.publicJwk],
    scopes,
  })
  const tenant = (id: string, status = 'active', plan = 'standard') => ({
    id,
    status,
    tier: 'pooled',
    region: 'eu-west',
    cell: EU,
    plan,
    issuer: `https://id.test/realms/${id}`,
    keys: [],
    hosts: [],
  })
  const plan = (name: string, leasesPerMinute: number, leaseSecondsMax: number) => ({
    name,
    requestsPerMinute: 1000,
    leasesPerMinute,
    leaseSecondsMax,
  })
  return new FixedConfiguration(
    {
      audience: 'https://api.test/',
      contextKeys: [KEYS.gateway.publicJwk],
      jobKeys: [KEYS.control.publicJwk],
      services: [
        { name: 'clinic', upstream: 'http://127.0.0.1:1', prefix: '/' },
        { name: 'billing', upstream: 'http://127.0.0.1:2', prefix: '/billing' },
      ],
      workloads: [
        workload('clinic-web', 'clinic', KEYS.web, ['read', 'write']),
        workload('clinic-report', 'clinic', KEYS.report, ['read']),
        workload('billing-web', 'billing', KEYS.billing, ['read', 'write']),
      ],
      plans: [plan('standard', 100_000, 600), plan('small', 3, 60)],
    },
    [
      tenant('acme'),
      tenant('globex'),
      tenant('initech', 'suspended'),
      tenant('umbrella', 'paused'),
      tenant('hooli', 'active', 'small'),
    ],
  )
}

export async function openWorld(options: Partial<VendingOptions> = {}): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'rf-vending-'))
  const leaser = new MemoryLeaser(EU)
  const configuration = testConfiguration()
  const revocations = new MemoryRevocations()
  const logged: string[] = []
  const open = () =>
    openVending({
      audience: AUDIENCE,
      configuration,
      revocations,
      leaserOf: (cell) => {
        if (cell === EU) return leaser
        throw new RingfenceError('engine_unavailable', 'no such cell')
      },
      journal: { directory },
      log: (line) => logged.push(line),
      ...options,
    })
  const world: World = {
    leaser,
    configuration,
    revocations,
    directory,
    logged,
    vending: await open(),
    async restart(meanwhile) {
      await world.vending.close()
      configuration.deafen()
      revocations.deafen()
      meanwhile?.()
      world.vending = await open()
    },
    journal: () => readJournal(directory),
    async close() {
      await world.vending.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
  return world
}

/** Every line of vending's own in a journal, each of which must be one. */
export function readJournal(directory: string): readonly JournalEntry[] {
  return linesOf(directory)
    .filter(({ kind }) => kind === 'own')
    .map(({ value }) => journalEntrySchema.parse(value))
}

/** Every entry in a journal that is on its way to a log, each of which must be one. */
export function readAudit(directory: string): readonly AuditEntry[] {
  return linesOf(directory)
    .filter(({ kind }) => kind === 'audit')
    .map(({ value }) => auditEntrySchema.parse(value))
}

export function contextOf(
  tenant: string,
  changes: Partial<TenantContext> & { readonly seconds?: number; readonly key?: SigningKey } = {},
): Promise<string> {
  const { seconds = 60, key, ...context } = changes
  const kind = context.kind ?? 'request'
  return signContext(
    key ?? (kind === 'job' ? KEYS.control : KEYS.gateway),
    {
      kind,
      tenant: parseTenantId(tenant),
      service: parseServiceName('clinic'),
      subject: parseSubject('alice'),
      scopes: ['read', 'write'],
      roles: [],
      requestId: 'front-door-1',
      ...context,
    },
    seconds,
  )
}

export const assertionOf = (client = 'clinic-web', key = KEYS.web, audience = AUDIENCE) =>
  signClientAssertion(key, parseClientId(client), audience)

export interface Asked {
  readonly path?: string
  /** Fields in place of, or beside, those of a good request; undefined leaves one out. */
  readonly fields?: Readonly<Record<string, string | undefined>>
  /** Appended to the form as it is. */
  readonly tail?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A good exchange for acme by the clinic's web process, with changes. */
export async function ask(world: World, asked: Asked = {}): Promise<Response> {
  const { fields = {}, tail = '', path = '/v1/token' } = asked
  const good: Record<string, string | undefined> = {
    grant_type: GRANT_TYPE,
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: 'client_assertion' in fields ? '' : await assertionOf(),
    subject_token: 'subject_token' in fields ? '' : await contextOf('acme'),
    subject_token_type: SUBJECT_TOKEN_TYPE,
  }
  const sent = Object.entries({ ...good, ...fields }).filter(
    (field): field is [string, string] => field[1] !== undefined,
  )
  return world.vending.app.request(path, {
    method: 'POST',
    body: new URLSearchParams(sent).toString() + tail,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...asked.headers },
  })
}

export interface Given {
  readonly access_token: string
  readonly lease_id: string
  readonly lease_duration: number
  readonly renewable: boolean
  readonly request_id: string
  readonly scope: string
  readonly data: { readonly user: string }
  readonly warnings: readonly string[] | null
}

/** The answer to a request that must succeed. */
export async function given(response: Response | Promise<Response>): Promise<Given> {
  const answer = await response
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${answer.status}: ${text}`)
  return JSON.parse(text) as Given
}
