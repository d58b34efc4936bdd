import { randomUUID } from 'node:crypto'
import { parseSubject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Judged } from '../strikes/judge-strike.ts'
import { type Heard, Wire } from '../strikes/wire.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { CONTEXT_HEADER, signContext, type TenantContext } from '../tokens/tenant-context.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import {
  AUDIENCE,
  CLINIC,
  CLINIC_CLIENT,
  GATEWAY,
  type Ground,
  LAB_CLIENT,
  SERVICE,
  VENDING,
} from './house/ground.ts'
import { lookAt } from './house/look-at.ts'
import { canariesOf, type Party } from './house/party.ts'
import type { Door, Plane } from './house/plane.ts'

type Header = readonly [name: string, value: string]

export interface Ask {
  readonly method?: string
  readonly headers?: readonly Header[]
  readonly body?: string
}

/** Who shows a client assertion, and with whose key. */
export type Sender = 'gateway' | 'vending' | 'clinic' | 'lab'
const CLIENTS = { gateway: GATEWAY, vending: VENDING, clinic: CLINIC_CLIENT, lab: LAB_CLIENT }

/** Attacker and victim of one strike, and all that is made for it. */
export class Duel implements Judged {
  readonly plane: Plane
  readonly attacker: Party
  readonly victim: Party
  /** What reaches it is what the attacker has seen. */
  readonly wire = new Wire()
  /** Of everybody else in the strike. */
  readonly own = new Wire()
  /** Secrets that are not canaries, and must not reach the attacker either. */
  readonly secrets: string[] = []
  readonly #releases: (() => Promise<unknown>)[] = []

  constructor(plane: Plane, attacker: Party, victim: Party) {
    this.plane = plane
    this.attacker = attacker
    this.victim = victim
  }

  get ground(): Ground {
    return this.plane.site.ground
  }

  get attackerId(): TenantId {
    return this.attacker.tenant
  }

  get victimId(): TenantId {
    return this.victim.tenant
  }

  /** A context as the gateway signs it for an administrator of a tenant. */
  context(
    { tenant }: Party,
    change: Partial<TenantContext> = {},
    key: SigningKey = this.ground.keys.contexts,
    seconds = 60,
  ): Promise<string> {
    return signContext(key, { ...contextFor(tenant), ...change }, seconds)
  }

  /** The attacker says it, with a context, or none. */
  says(door: Door, target: string, context = '', what: Ask = {}): Promise<Heard> {
    return this.#ask(this.wire, door, target, context, what)
  }

  /** Somebody else in the strike says it. */
  ownerSays(door: Door, target: string, context = '', what: Ask = {}): Promise<Heard> {
    return this.#ask(this.own, door, target, context, what)
  }

  #ask(wire: Wire, door: Door, target: string, context: string, what: Ask): Promise<Heard> {
    const own: readonly Header[] = context === '' ? [] : [[CONTEXT_HEADER, context]]
    return this.plane.ask(wire, door, {
      ...what,
      target,
      headers: [...own, ...(what.headers ?? [])],
    })
  }

  /** A client assertion. @param key default the client's own */
  assertion(client: Sender, key: SigningKey = this.ground.keys[client]): Promise<string> {
    return signClientAssertion(key, CLIENTS[client], AUDIENCE)
  }

  /** A batch of a journal. @param by who sends it, or the assertion that comes with it */
  async journal(
    wire: Wire,
    by: Sender | { readonly assertion: string },
    lines: readonly string[],
    headers: readonly Header[] = [],
  ): Promise<Heard> {
    const assertion = typeof by === 'string' ? await this.assertion(by) : by.assertion
    const named = headers.some(([name]) => name === 'ringfence-source')
    return this.#ask(wire, 'intake', '/v1/journal', '', {
      method: 'POST',
      headers: [
        ['authorization', `Bearer ${assertion}`],
        ['content-type', 'application/x-ndjson'],
        ...(named ? [] : [['ringfence-source', 'proof-1'] as const]),
        ...headers,
      ],
      body: lines.map((line) => `${line}\n`).join(''),
    })
  }

  /** Events, as a service reports them. */
  async report(
    wire: Wire,
    by: Sender | { readonly assertion: string },
    events: readonly object[] | string,
    contexts: readonly string[] = [],
  ): Promise<Heard> {
    const assertion = typeof by === 'string' ? await this.assertion(by) : by.assertion
    return this.#ask(wire, 'intake', '/v1/usage/events', contexts.join(','), {
      method: 'POST',
      headers: [
        ['authorization', `Bearer ${assertion}`],
        ['content-type', 'application/cloudevents-batch+json'],
      ],
      body: typeof events === 'string' ? events : JSON.stringify(events),
    })
  }

  /** A context for the service that reports usage. */
  clinicContext(party: Party, change: Partial<TenantContext> = {}): Promise<string> {
    return this.context(party, { service: CLINIC, roles: [], ...change })
  }

  /** How often an entry stands in logs, whoever's, by its id. */
  async entered(id: string): Promise<readonly string[]> {
    const rows = await this.plane.site.admin.query<{ log: string }>(
      'select log from records.log_entry where id = $1',
      [id],
    )
    return rows.map(({ log }) => log)
  }

  /** How often an event is kept, under whichever tenant, by its id. */
  async counted({ id }: Pick<UsageEvent, 'id'>): Promise<readonly string[]> {
    const rows = await this.plane.site.admin.query<{ tenant: string }>(
      `select tenant from usage.event where id = $1 or id like $1 || '-%'`,
      [id],
    )
    return rows.map(({ tenant }) => tenant)
  }

  /** What is done after the strike, whatever came of it. */
  afterwards(release: () => Promise<unknown>): void {
    this.#releases.push(release)
  }

  sawCanary(): boolean {
    const others = this.ground.parties.filter((one) => one !== this.attacker)
    return [...others.flatMap(canariesOf), ...this.secrets].some((one) => this.wire.hasSeen(one))
  }

  async watch(): Promise<() => Promise<readonly string[]>> {
    const { admin } = this.plane.site
    const before = await lookAt(admin, this.attacker.tenant)
    return async () => {
      const after = await lookAt(admin, this.attacker.tenant)
      return [...after.keys()]
        .filter((table) => before.get(table) !== after.get(table))
        .map((table) => `another tenant's ${table} changed`)
    }
  }

  async close(): Promise<void> {
    this.wire.cut()
    this.own.cut()
    for (const release of this.#releases.toReversed()) await release()
  }
}

/** Of an administrator of a tenant, for the records plane. */
export function contextFor(tenant: TenantId): TenantContext {
  return {
    kind: 'request',
    tenant,
    service: SERVICE,
    subject: parseSubject('alice'),
    scopes: ['read'],
    roles: ['tenant-admin'],
    requestId: randomUUID(),
    session: `session-of-${tenant}`,
    origin: { id: randomUUID(), client: 'web', issuedAt: new Date() },
  }
}

/** An answer's JSON object; empty when it is none. */
export function bodyOf({ body }: Pick<Heard, 'body'>): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** What a token says, whoever signed it. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}
