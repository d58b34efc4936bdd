import type { Attack, Mutant, Rehearsal, Strike } from '../boundaries/boundary.ts'
import type { Finding } from '../core/finding.ts'
import type { TenantId } from '../core/tenant.ts'
import { judgeStrike } from '../strikes/judge-strike.ts'
import { Wire } from '../strikes/wire.ts'
import { RECORDS_ATTACKS } from './attacks/attacks.ts'
import { CANARIES_AT } from './attacks/reads.ts'
import { contextFor, Duel } from './duel.ts'
import { furnish } from './house/furnish.ts'
import { makeGround } from './house/ground.ts'
import { canariesOf, type Party } from './house/party.ts'
import { type Pieces, SOUND } from './house/pieces.ts'
import { Plane } from './house/plane.ts'
import { openSite, type Site } from './house/site.ts'
import { CONTEXT_HEADER, signContext } from '../tokens/tenant-context.ts'
import { inspectRights } from './inspect/inspect-rights.ts'
import { RECORDS_MUTANTS } from './mutants/mutants.ts'

/** A records plane with logs, usage and bills of tenants, and copies of it with worse pieces on the same database. */
export class RecordsRehearsal implements Rehearsal {
  readonly tier = 'pooled'
  readonly tenants: readonly TenantId[]
  readonly #plane: Plane
  /** In order. */
  readonly #closing: readonly (() => Promise<unknown>)[]
  /** Strikes follow each other: each looks at what all others have before and after it. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(plane: Plane, closing: readonly (() => Promise<unknown>)[]) {
    this.#plane = plane
    this.#closing = closing
    this.tenants = plane.site.ground.parties.map(({ tenant }) => tenant)
  }

  static async open(tenants: readonly TenantId[]): Promise<RecordsRehearsal> {
    const site = await openSite(await makeGround(tenants))
    try {
      await furnish(site)
      const plane = await Plane.open(site)
      return new RecordsRehearsal(plane, [() => plane.close(), () => site.close()])
    } catch (error) {
      await site.close()
      throw error
    }
  }

  /** Asks the plane in the place of each tenant's own administrator. */
  async canariesSeen(): Promise<readonly TenantId[]> {
    const { ground } = this.#plane.site
    const seen: TenantId[] = []
    // One after another: what a copy remembers of them is the same in every run.
    for (const party of ground.parties) {
      const wire = new Wire()
      const context = await signContext(ground.keys.contexts, contextFor(party.tenant), 60)
      for (const target of CANARIES_AT) {
        const headers = [[CONTEXT_HEADER, context] as const]
        await this.#plane.ask(wire, 'tenants', { target, headers })
      }
      if (canariesOf(party).every((canary) => wire.hasSeen(canary))) seen.push(party.tenant)
    }
    return seen
  }

  async strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike> {
    const found = RECORDS_ATTACKS.find(({ id }) => id === attack.id)
    if (found === undefined) throw new Error(`no attack ${attack.id}`)
    const next = this.#last.then(() =>
      judgeStrike(found, new Duel(this.#plane, this.#party(attacker), this.#party(victim))),
    )
    this.#last = next.catch(() => undefined)
    return next
  }

  #party(tenant: TenantId): Party {
    const party = this.#plane.site.ground.parties.find((one) => one.tenant === tenant)
    if (party === undefined) throw new Error(`no tenant ${tenant}`)
    return party
  }

  async inspect(): Promise<readonly Finding[]> {
    return inspectRights(this.#plane.site.admin)
  }

  /** A copy is another plane on the same logs, usage and bills. */
  async weaken(mutant: Mutant): Promise<Rehearsal> {
    const found = RECORDS_MUTANTS.find(({ id }) => id === mutant.id)
    if (found === undefined) throw new Error(`no mutant ${mutant.id}`)
    return this.copy(found.weaken(SOUND), found.change)
  }

  /** With other pieces, and another database until it is closed if it is changed. */
  async copy(
    pieces: Pieces,
    change: (site: Site) => Promise<() => Promise<unknown>> = async () => async () => undefined,
  ): Promise<Rehearsal> {
    const plane = await Plane.compose(this.#plane.site, pieces)
    try {
      const undo = await change(plane.site)
      return new RecordsRehearsal(plane, [undo, () => plane.close()])
    } catch (error) {
      await plane.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#last
    for (const close of this.#closing) await close()
  }
}
