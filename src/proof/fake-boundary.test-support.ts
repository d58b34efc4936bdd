import type {
  Attack,
  Boundary,
  Mutant,
  Rehearsal,
  Strike,
  Verdict,
} from '../boundaries/boundary.ts'
import type { Finding } from '../core/finding.ts'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId, Tier } from '../core/tenant.ts'

/** How a fake boundary behaves. Everything defaults to a boundary that holds and a proof that works. */
export interface FakeBehaviour {
  readonly engine?: string
  readonly tiers?: readonly Tier[]
  readonly attacks?: readonly Attack[]
  readonly mutants?: readonly Mutant[]
  /** The verdict of an attack; `mutant` is undefined on the copy as it should be. */
  readonly verdict?: (
    attack: Attack,
    tier: Tier,
    mutant: string | undefined,
    attacker: TenantId,
    victim: TenantId,
  ) => Verdict
  readonly findings?: (tier: Tier | 'live', mutant: string | undefined) => readonly Finding[]
  readonly canariesSeen?: (
    tenants: readonly TenantId[],
    tier: Tier,
    mutant: string | undefined,
  ) => readonly TenantId[]
  /** Called at each step; may throw, or return a promise that takes its time. */
  readonly before?: (
    step: 'rehearse' | 'weaken' | 'strike' | 'inspect' | 'close',
    tier: Tier,
    id: string | undefined,
  ) => Promise<void> | void
}

export const FAKE_ATTACKS: readonly Attack[] = [
  attack('fake-read', 'Read without a filter', 'read'),
  attack('fake-read-index', 'Read through an index', 'read'),
  attack('fake-write', 'Write into the victim’s place', 'write'),
  attack('fake-exists', 'Ask whether a key is taken', 'existence', {
    pooled: 'Relation sizes are shared by every tenant of a pooled engine.',
  }),
  attack('fake-flood', 'Hold every lock', 'disturbance'),
]

export const FAKE_MUTANTS: readonly Mutant[] = [
  {
    id: 'fake-filter-off',
    title: 'The filter is switched off',
    tiers: ['pooled', 'bridge', 'silo'],
  },
  { id: 'fake-grant-all', title: 'Everything is granted', tiers: ['pooled', 'bridge', 'silo'] },
]

export function attack(
  id: string,
  title: string,
  kind: Attack['kind'],
  limits: Attack['limits'] = {},
): Attack {
  return { id, title, kind, tiers: ['pooled', 'bridge', 'silo'], references: ['FAKE-1'], limits }
}

export function finding(rule: string, object: string, severity: Finding['severity']): Finding {
  return {
    rule,
    severity,
    object,
    explanation: `${object} is wider than promised.`,
    fix: undefined,
  }
}

/** By default the limit is met where it is stated, an attack notices one mutant, an inspection the other. */
const HOLDS = {
  verdict: (attack: Attack, tier: Tier, mutant: string | undefined): Verdict => {
    if (attack.limits[tier] !== undefined) return 'limit'
    return mutant === 'fake-filter-off' && attack.id === 'fake-read-index' ? 'leaked' : 'denied'
  },
  findings: (_tier: Tier | 'live', mutant: string | undefined): readonly Finding[] =>
    mutant === 'fake-grant-all' ? [finding('fake-open', 'everything', 'critical')] : [],
  canariesSeen: (tenants: readonly TenantId[]): readonly TenantId[] => tenants,
}

/** A boundary in memory whose every answer a test decides, and a count of the copies left open. */
export function fakeBoundary(behaviour: FakeBehaviour = {}): Boundary & {
  readonly open: Set<string>
  readonly struck: string[]
} {
  const acts = { ...HOLDS, ...behaviour }
  const engine = behaviour.engine ?? 'fake'
  const open = new Set<string>()
  const struck: string[] = []
  let copies = 0

  function rehearsal(
    tier: Tier,
    tenants: readonly TenantId[],
    mutant: string | undefined,
  ): Rehearsal {
    copies += 1
    const copy = `${tier} ${mutant ?? 'as it is'} ${copies}`
    open.add(copy)
    return {
      tier,
      tenants,
      canariesSeen: async () => acts.canariesSeen(tenants, tier, mutant),
      strike: async (attack, attacker, victim): Promise<Strike> => {
        struck.push(`${tier} ${mutant ?? '-'} ${attack.id} ${attacker} ${victim}`)
        await behaviour.before?.('strike', tier, attack.id)
        const verdict = acts.verdict(attack, tier, mutant, attacker, victim)
        return {
          attack: attack.id,
          tier,
          attacker,
          victim,
          verdict,
          owner: `${victim} reads its own row`,
          outcome: verdict === 'leaked' ? 'got the canary' : '0 rows',
          milliseconds: 1,
        }
      },
      inspect: async () => {
        await behaviour.before?.('inspect', tier, mutant)
        return acts.findings(tier, mutant)
      },
      weaken: async (weakening) => {
        await behaviour.before?.('weaken', tier, weakening.id)
        return rehearsal(tier, tenants, weakening.id)
      },
      close: async () => {
        open.delete(copy)
        await behaviour.before?.('close', tier, mutant)
      },
    }
  }

  const unused = async (): Promise<never> => {
    throw new RingfenceError('internal', 'a proof does not touch live tenants')
  }
  return {
    open,
    struck,
    engine,
    tiers: behaviour.tiers ?? ['pooled', 'bridge', 'silo'],
    attacks: () => behaviour.attacks ?? FAKE_ATTACKS,
    mutants: () => behaviour.mutants ?? FAKE_MUTANTS,
    rehearse: async (tier, tenants) => {
      await behaviour.before?.('rehearse', tier, undefined)
      return rehearsal(tier, tenants, undefined)
    },
    inspect: async () => acts.findings('live', undefined),
    provision: unused,
    export: unused,
    erase: unused,
    smoke: unused,
    prepareMove: unused,
    catchUp: unused,
    cutOver: unused,
    abortMove: unused,
    finishMove: unused,
    lease: unused,
    revoke: unused,
    leases: unused,
    sweep: unused,
    close: async () => undefined,
  }
}

/** What every run of a test needs to say. */
export const RUN = {
  subjects: [{ name: 'clinic', digest: { sha256: 'c'.repeat(64) } }],
  toolVersion: '0.1.0',
  clock: () => new Date('2026-11-21T09:00:00Z'),
} as const
