import type { Attack, Mutant, Rehearsal, Strike } from '../boundaries/boundary.ts'
import type { Finding } from '../core/finding.ts'
import type { TenantId } from '../core/tenant.ts'
import { judgeStrike } from '../strikes/judge-strike.ts'
import { Wire } from '../strikes/wire.ts'
import { BACK_OFFICE_ATTACKS } from './attacks/attacks.ts'
import { Duel } from './duel.ts'
import { makeGround } from './house/ground.ts'
import { Office } from './house/office.ts'
import type { Party } from './house/party.ts'
import { type Pieces, SOUND } from './house/pieces.ts'
import { CHIEF, openSite, type Site } from './house/site.ts'
import { inspectOffice } from './inspect/inspect-office.ts'
import { BACK_OFFICE_MUTANTS } from './mutants/mutants.ts'

/** The workflows' library knows one control plane a process: rehearsals wait for each other. */
let onlyOne: Promise<void> = Promise.resolve()

/** A control API on a control plane of its own, and copies with worse pieces in front of the same plane. */
export class BackOfficeRehearsal implements Rehearsal {
  readonly tier = 'pooled'
  readonly tenants: readonly TenantId[]
  readonly #office: Office
  readonly #closeSite: () => Promise<void>
  readonly #reader: string
  /** Strikes follow each other: each looks at what all others have before and after it. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(office: Office, reader: string, closeSite: () => Promise<void>) {
    this.#office = office
    this.#reader = reader
    this.#closeSite = closeSite
    this.tenants = office.site.ground.parties.map(({ tenant }) => tenant)
  }

  static async open(tenants: readonly TenantId[]): Promise<BackOfficeRehearsal> {
    const before = onlyOne
    const { promise, resolve: leave } = Promise.withResolvers<void>()
    onlyOne = promise
    await before
    let site: Site | undefined
    try {
      site = await openSite(await makeGround(tenants))
      const made = { name: 'reader', scopes: ['tenants:read'], seconds: 86_400 } as const
      const { token } = await site.plane.operators.create(made, CHIEF)
      const opened = site
      return new BackOfficeRehearsal(await Office.open(site, SOUND), token, async () => {
        await opened.close().finally(leave)
      })
    } catch (error) {
      await site?.close().finally(leave)
      leave()
      throw error
    }
  }

  /** Asks the API itself, and the cell behind it. */
  async canariesSeen(): Promise<readonly TenantId[]> {
    const { ground, world } = this.#office.site
    const seen = await Promise.all(
      ground.parties.map(async ({ tenant, nameCanary, rowCanary }) => {
        const what = { token: this.#reader, from: 'administrator' }
        const { body } = await this.#office.ask(new Wire(), 'GET', `/v1/tenants/${tenant}`, what)
        const row = world.find(tenant)?.items.get('row') ?? ''
        return body.includes(nameCanary) && row.includes(rowCanary) ? [tenant] : []
      }),
    )
    return seen.flat()
  }

  async strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike> {
    const found = BACK_OFFICE_ATTACKS.find(({ id }) => id === attack.id)
    if (found === undefined) throw new Error(`no attack ${attack.id}`)
    const next = this.#last.then(() =>
      judgeStrike(found, new Duel(this.#office, this.#party(attacker), this.#party(victim))),
    )
    this.#last = next.catch(() => undefined)
    return next
  }

  #party(tenant: TenantId): Party {
    const party = this.#office.site.ground.parties.find((one) => one.tenant === tenant)
    if (party === undefined) throw new Error(`no tenant ${tenant}`)
    return party
  }

  async inspect(): Promise<readonly Finding[]> {
    return inspectOffice(this.#office.plane, this.#office.settings)
  }

  /** A copy has its own API in front of the same plane: what is weakened is what stands before it. */
  async weaken(mutant: Mutant): Promise<Rehearsal> {
    const found = BACK_OFFICE_MUTANTS.find(({ id }) => id === mutant.id)
    if (found === undefined) throw new Error(`no mutant ${mutant.id}`)
    return this.copy(found.weaken(SOUND))
  }

  /** With other pieces. */
  async copy(pieces: Pieces): Promise<Rehearsal> {
    const office = await Office.open(this.#office.site, pieces)
    return new BackOfficeRehearsal(office, this.#reader, async () => undefined)
  }

  async close(): Promise<void> {
    await this.#last
    try {
      await this.#office.close()
    } finally {
      await this.#closeSite()
    }
  }
}
