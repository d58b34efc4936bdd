import { randomUUID } from 'node:crypto'
import { parseSubject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import { StagedDuel } from '../strikes/staged-duel.ts'
import type { Heard, Wire } from '../strikes/wire.ts'
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
export class Duel extends StagedDuel<Party> {
  readonly plane: Plane

  constructor(plane: Plane, attacker: Party, victim: Party) {
    super(attacker, victim)
    this.plane = plane
  }

  get ground(): Ground {
    return this.plane.site.ground
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

  protected canariesOfOthers(): readonly string[] {
    return this.ground.parties.filter((one) => one !== this.attacker).flatMap(canariesOf)
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

/** What a token says, whoever signed it. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}
