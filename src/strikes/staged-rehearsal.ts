import type { Attack, Mutant, Rehearsal, Strike } from '../boundaries/boundary.ts'
import type { Finding } from '../core/finding.ts'
import type { TenantId } from '../core/tenant.ts'
import { type Judged, judgeStrike } from './judge-strike.ts'
import type { Scene } from './scene.ts'
import type { StagedAttack } from './staged-attack.ts'
import type { StagedMutant, Undo } from './staged-mutant.ts'

/** What can be played. */
export interface Repertoire<Duel, Pieces, Inside> {
  readonly attacks: readonly StagedAttack<Duel>[]
  readonly mutants: readonly StagedMutant<Pieces, Inside>[]
}

const nothing: Undo = async () => undefined

/** A rehearsal of a part of the platform on a scene of it, and on copies with worse pieces. */
export class StagedRehearsal<
  Party extends { readonly tenant: TenantId },
  Duel extends Judged,
  Pieces,
  Inside,
> implements Rehearsal
{
  readonly tier = 'pooled'
  readonly tenants: readonly TenantId[]
  readonly #repertoire: Repertoire<Duel, Pieces, Inside>
  readonly #scene: Scene<Party, Duel, Pieces, Inside>
  readonly #undo: Undo
  /** Strikes follow each other: each looks at what all others have before and after it. */
  #last: Promise<unknown> = Promise.resolve()

  /** @param undo changes back what was changed in the scene, before it is closed */
  constructor(
    repertoire: Repertoire<Duel, Pieces, Inside>,
    scene: Scene<Party, Duel, Pieces, Inside>,
    undo: Undo = nothing,
  ) {
    this.#repertoire = repertoire
    this.#scene = scene
    this.#undo = undo
    this.tenants = scene.parties.map(({ tenant }) => tenant)
  }

  async canariesSeen(): Promise<readonly TenantId[]> {
    const seen: TenantId[] = []
    // One after another: what a copy remembers of them is the same in every run.
    for (const party of this.#scene.parties) {
      if (await this.#scene.showsCanariesOf(party)) seen.push(party.tenant)
    }
    return seen
  }

  async strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike> {
    const found = this.#repertoire.attacks.find(({ id }) => id === attack.id)
    if (found === undefined) throw new Error(`no attack ${attack.id}`)
    const next = this.#last.then(() =>
      judgeStrike(found, this.#scene.duel(this.#party(attacker), this.#party(victim))),
    )
    this.#last = next.catch(() => undefined)
    return next
  }

  #party(tenant: TenantId): Party {
    const party = this.#scene.parties.find((one) => one.tenant === tenant)
    if (party === undefined) throw new Error(`no tenant ${tenant}`)
    return party
  }

  inspect(): Promise<readonly Finding[]> {
    return this.#scene.inspect()
  }

  async weaken(mutant: Mutant): Promise<Rehearsal> {
    const found = this.#repertoire.mutants.find(({ id }) => id === mutant.id)
    if (found === undefined) throw new Error(`no mutant ${mutant.id}`)
    return this.copy(found.weaken(this.#scene.pieces), found.change)
  }

  /** With other pieces, and changed besides until it is closed. */
  async copy(
    pieces: Pieces,
    change: (inside: Inside) => Promise<Undo> = async () => nothing,
  ): Promise<Rehearsal> {
    const scene = await this.#scene.copy(pieces)
    try {
      return new StagedRehearsal(this.#repertoire, scene, await change(scene.inside))
    } catch (error) {
      await scene.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#last
    try {
      await this.#undo()
    } finally {
      await this.#scene.close()
    }
  }
}
