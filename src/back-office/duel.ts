import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { OPERATOR_SCOPES, type OperatorScope, TENANT_SCOPES } from '../control/control-plane.ts'
import type { OperatorRole } from '../control/operators/roles.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { StagedDuel } from '../strikes/staged-duel.ts'
import type { Heard } from '../strikes/wire.ts'
import type { Ground } from './house/ground.ts'
import type { Ask, Office } from './house/office.ts'
import { canariesOf, makeParty, type Party } from './house/party.ts'
import { type Person, SECOND_PERSON, signedIn, type SignedInAs } from './house/people.ts'
import { CHIEF, lookAt, type Site } from './house/site.ts'

const TOKEN_SECONDS = 3_600
/** Names of operators that a strike made for its attacker; they are no change of anybody's. */
const MADE_BY_US = 'caller-'

/** A caller with a token. */
export interface Operator {
  readonly name: string
  readonly token: string
}

type What = Omit<Ask, 'from'>

/** Attacker and victim of one strike, and all that is made for it. */
export class Duel extends StagedDuel<Party> {
  readonly office: Office
  readonly #from = randomUUID()
  readonly #ownFrom = randomUUID()
  readonly #guests: Party[] = []
  readonly #notWatched = new Set<string>()
  readonly #settled: Party[] = []
  /** Workflows that a strike keeps from going on. */
  readonly #held: string[] = []

  constructor(office: Office, attacker: Party, victim: Party) {
    super(attacker, victim)
    this.office = office
    this.#notWatched.add(attacker.tenant)
  }

  get site(): Site {
    return this.office.site
  }

  get ground(): Ground {
    return this.office.site.ground
  }

  /** The attacker says it. */
  says(method: string, target: string, what: What = {}): Promise<Heard> {
    return this.office.ask(this.wire, method, target, { ...what, from: this.#from })
  }

  /** Somebody else in the strike says it: the owner, the administrator. */
  ownerSays(method: string, target: string, what: What = {}): Promise<Heard> {
    return this.office.ask(this.own, method, target, { ...what, from: this.#ownFrom })
  }

  /** An operator with a token of these scopes and of its own, made past the API. */
  async operator(
    scopes: readonly OperatorScope[] = OPERATOR_SCOPES,
    owner?: string,
  ): Promise<Operator> {
    const name = `${MADE_BY_US}${randomBytes(8).toString('hex')}`
    const made = { name, scopes, seconds: TOKEN_SECONDS }
    const { token } = await this.site.plane.operators.create(made, CHIEF)
    await this.site.database.query('update registry.operator set owner = $2 where name = $1', [
      name,
      owner ?? name,
    ])
    return { name, token }
  }

  /** Somebody who signs in at the operators' realm, with two factors unless told. */
  person(roles: readonly OperatorRole[], more: SignedInAs = {}): Promise<Person> {
    const name = `${MADE_BY_US}${randomBytes(8).toString('hex')}`
    return signedIn(this.ground, name, roles, more)
  }

  /**
   * The call, and again when it waits for a second person, who approves whatever it is: what holds is
   * not to rest on that one's care.
   */
  async together(say: () => Promise<Heard>): Promise<Heard> {
    const heard = await say()
    const approval = heard.headers
      .find(([name]) => name === 'location')?.[1]
      ?.split('/')
      .at(-1)
    if (heard.status !== 409 || approval?.startsWith('approval-') !== true) return heard
    await this.site.plane.approvals.decide(approval, true, undefined, SECOND_PERSON)
    return say()
  }

  /** Who administers a tenant by a token that is this tenant's, made past the API. */
  async administrator(tenant: TenantId = this.attackerId): Promise<Operator> {
    const name = `${MADE_BY_US}${randomBytes(8).toString('hex')}`
    const made = { name, scopes: TENANT_SCOPES, seconds: TOKEN_SECONDS, tenant }
    const { token } = await this.site.plane.operators.create(made, CHIEF)
    return { name, token }
  }

  operatorWithout(scope: OperatorScope): Promise<Operator> {
    return this.operator(OPERATOR_SCOPES.filter((one) => one !== scope))
  }

  /** Somebody of the victim's side whose canaries must not be seen, not yet a tenant. */
  guest(): Party {
    const guest = makeParty(parseTenantId(`guest-${randomBytes(6).toString('hex')}`))
    this.#guests.push(guest)
    return guest
  }

  /** A tenant with which the strike does what it is allowed to: changes of it are no leak. */
  ownGuest(): Party {
    const guest = makeParty(parseTenantId(`guest-${randomBytes(6).toString('hex')}`))
    this.#notWatched.add(guest.tenant)
    return guest
  }

  /** A tenant of the victim's side for this strike alone. It may be lost. */
  async settledGuest(): Promise<Party> {
    const idle = this.site.idle.pop()
    const guest = idle ?? this.guest()
    if (idle === undefined) await this.site.settle(guest)
    else this.#guests.push(idle)
    this.#settled.push(guest)
    return guest
  }

  /** A workflow that goes on only after the strike, when `release` lets it. */
  held(workflow: string, release: () => void): void {
    this.#held.push(workflow)
    this.afterwards(async () => {
      this.#held.length = 0
      release()
    })
  }

  protected canariesOfOthers(): readonly string[] {
    const all = [...this.ground.parties, ...this.#guests]
    return all.filter((one) => one !== this.attacker).flatMap(canariesOf)
  }

  async watch(): Promise<() => Promise<readonly string[]>> {
    await this.rest()
    const before = await this.#look()
    return async () => {
      const after = await this.#look()
      const names = new Set([...before.keys(), ...after.keys()])
      return [...names].filter((name) => before.get(name) !== after.get(name)).map(changed)
    }
  }

  /** What everybody but the attacker's tenant has, by a word for it. */
  async #look(): Promise<ReadonlyMap<string, string>> {
    const seen = new Map<string, string>()
    for (const [tenant, state] of await lookAt(this.site)) {
      if (this.#notWatched.has(tenant)) continue
      seen.set('another tenant', (seen.get('another tenant') ?? '') + state)
    }
    const files = (await filesBelow(this.site.exportDirectory)).filter(
      (file) => !this.#notWatched.has(file.split(sep, 1)[0] ?? ''),
    )
    seen.set("another tenant's exports", files.join('\n'))
    const [catalogue] = await this.site.database.query<{ platform: string }>(
      `select concat((select json_agg(plan order by name) from registry.plan),
                     (select json_agg(cell order by name) from registry.cell
                       where name not like 'own-%'),
                     (select json_agg(object order by kind, name) from registry.object
                       where owner = '')) as platform`,
    )
    seen.set('the catalogue', catalogue?.platform ?? '')
    const operators = await this.site.database.query(
      `select name, scopes, revoked_at from registry.operator where name not like $1 order by name`,
      [`${MADE_BY_US}%`],
    )
    seen.set('the list of operators', JSON.stringify(operators))
    return seen
  }

  /** Waits until no workflow goes on by itself. */
  async rest(): Promise<void> {
    while (await this.#anythingRuns()) await setTimeout(POLL_MS)
  }

  async #anythingRuns(): Promise<boolean> {
    const running = await this.site.database.query(
      `select from registry.workflow where state = 'running' and id <> all ($1) limit 1`,
      [this.#held],
    )
    return running.length > 0
  }

  override async close(): Promise<void> {
    await super.close()
    // What goes on would be seen by the next strike as if it had changed something.
    await this.rest()
    await clear(this.site.exportDirectory)
    for (const guest of this.#settled) {
      if (await this.#isWhole(guest)) this.site.idle.push(guest)
    }
  }

  /** As it was when it was settled: the next strike may have it. */
  async #isWhole({ tenant, holderCanary }: Party): Promise<boolean> {
    const { plane, world } = this.site
    const { status, legalHold } = await plane.tenants.get(tenant)
    const [lease, ...more] = world.find(tenant)?.leases ?? []
    const lent = lease?.holder === holderCanary && lease.ended_at === undefined
    return status === 'active' && !legalHold && lent && more.length === 0
  }
}

/** Milliseconds between looks at whether the plane has come to rest. */
const POLL_MS = 5

function changed(what: string): string {
  return `${what} changed`
}

/** What a strike has exported is nothing to the next, which need not look through it. */
async function clear(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    await rm(join(directory, name), { recursive: true, force: true })
  }
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  return (await readdir(directory, { recursive: true })).toSorted()
}
