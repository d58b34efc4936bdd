import type { Attack, Mutant, Rehearsal, Strike } from '../boundaries/boundary.ts'
import type { Finding } from '../core/finding.ts'
import type { TenantId } from '../core/tenant.ts'
import { judgeStrike } from '../strikes/judge-strike.ts'
import { Wire } from '../strikes/wire.ts'
import { REALM_ATTACKS } from './attacks/attacks.ts'
import { Duel } from './duel.ts'
import { furnish } from './house/furnish.ts'
import { makeGround } from './house/ground.ts'
import type { Party } from './house/party.ts'
import { type Pieces, SOUND } from './house/pieces.ts'
import { Plane } from './house/plane.ts'
import { openSite, type Site } from './house/site.ts'
import { inspectRealms } from './inspect/inspect-realms.ts'
import { REALM_MUTANTS } from './mutants/mutants.ts'

/** Realms on an identity plane of their own, and copies of it with worse pieces on the same database. */
export class RealmRehearsal implements Rehearsal {
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

  static async open(tenants: readonly TenantId[]): Promise<RealmRehearsal> {
    const site: Site = {
      ...(await openSite(await makeGround(tenants))),
      furniture: new Map(),
    }
    try {
      const plane = await Plane.open(site, SOUND)
      try {
        site.furniture = await furnish(plane, site.ground.parties)
      } catch (error) {
        await plane.close()
        throw error
      }
      return new RealmRehearsal(plane, [() => plane.close(), () => site.close()])
    } catch (error) {
      await site.close()
      throw error
    }
  }

  /** Asks each realm, with its own token for provisioning. */
  async canariesSeen(): Promise<readonly TenantId[]> {
    const { ground, furniture } = this.#plane.site
    const seen = await Promise.all(
      ground.parties.map(async ({ tenant, issuer, nameCanary, mailCanary, groupCanary }) => {
        const token = furniture.get(tenant)?.scimToken ?? ''
        const headers = [['Authorization', `Bearer ${token}`] as const]
        const wire = new Wire()
        await this.#plane.ask(wire, 'GET', `${issuer}/scim/v2/Users`, { headers })
        await this.#plane.ask(wire, 'GET', `${issuer}/scim/v2/Groups`, { headers })
        const all = [nameCanary, mailCanary, groupCanary].every((canary) => wire.hasSeen(canary))
        return all ? [tenant] : []
      }),
    )
    return seen.flat()
  }

  async strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike> {
    const found = REALM_ATTACKS.find(({ id }) => id === attack.id)
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
    return inspectRealms(this.#plane)
  }

  /** A copy is a plane of its own on the same realms. */
  async weaken(mutant: Mutant): Promise<Rehearsal> {
    const found = REALM_MUTANTS.find(({ id }) => id === mutant.id)
    if (found === undefined) throw new Error(`no mutant ${mutant.id}`)
    return this.copy(found.weaken(SOUND), found.change)
  }

  /** With other pieces, and other realms until it is closed if they are changed. */
  async copy(
    pieces: Pieces,
    change: (plane: Plane) => Promise<() => Promise<unknown>> = async () => async () => undefined,
  ): Promise<Rehearsal> {
    const plane = await Plane.open(this.#plane.site, pieces)
    try {
      const undo = await change(plane)
      return new RealmRehearsal(plane, [undo, () => plane.close()])
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
