import type { Attack, Mutant, Rehearsal } from '../boundaries/boundary.ts'
import type { OpenProving } from '../boundaries/cell.ts'
import type { TenantId } from '../core/tenant.ts'
import { programDigest } from './program-digest.ts'
import { PROVEN_ONCE } from './staged-attack.ts'

export interface StagedProving {
  /** What reports call it. */
  readonly engine: string
  /** The parts of the program, folders of `src/`, that are attacked. */
  readonly folders: readonly string[]
  readonly facts: OpenProving['facts']
  readonly attacks: readonly Attack[]
  readonly mutants: readonly Mutant[]
  rehearse(tenants: readonly TenantId[]): Promise<Rehearsal>
}

/** A proof of a part of the program itself. Nothing is started before it is rehearsed. */
export async function openStagedProving(staged: StagedProving): Promise<OpenProving> {
  const { engine, folders, facts, attacks, mutants } = staged
  return {
    provable: {
      engine,
      tiers: PROVEN_ONCE,
      // There is none that lives here.
      inspect: async () => [],
      attacks: () => attacks,
      mutants: () => mutants,
      rehearse: (_tier, tenants) => staged.rehearse(tenants),
    },
    facts,
    subject: { name: `ringfence/${engine}`, sha256: await programDigest(folders) },
    close: async () => undefined,
  }
}
