import { join } from 'node:path'
import { openPostgresProving } from '../src/boundaries/postgres/open-proving.ts'
import { openControlApiProving } from '../src/back-office/open-proving.ts'
import { openFrontDoorProving } from '../src/front-door/open-proving.ts'
import type { ProofReport } from '../src/proof/proof-report.ts'
import { runProof } from '../src/proof/run-proof.ts'
import type { Bench, BenchContext, Row } from './bench.ts'

const MANIFEST = join(import.meta.dirname, '..', 'examples', 'clinic', 'ringfence.yaml')
const AIM_SECONDS = 180
/** Enough to see that the bench works. */
const QUICK_ATTACKS = 4

export const bench: Bench = {
  title:
    'the whole proof of the clinic, the front door and the control API: every attack, every mutant',
  async run(context) {
    const report = await prove(context)
    const rows = report.tiers.map((tier) => ({
      what: `${tier.engine} ${tier.tier}: ${tier.strikes.length} strikes, ${tier.mutants.length} mutants`,
      unit: 's',
      n: tier.strikes.length + tier.mutants.length,
      p50: tier.milliseconds / 1000,
    }))
    const seconds = report.milliseconds / 1000
    const { attacks, strikes, mutants, noticed } = report.counts
    const what = `all (${report.verdict}): ${attacks} attacks, ${strikes} strikes, ${noticed} of ${mutants} mutants noticed`
    const whole: Row = { what, unit: 's', n: strikes + mutants, p50: seconds }
    const aim = { text: `<= ${AIM_SECONDS} s`, met: seconds <= AIM_SECONDS }
    return [...rows, context.quick ? whole : { ...whole, aim }]
  },
}

async function prove(context: BenchContext): Promise<ProofReport> {
  const proving = await openPostgresProving({ manifest: MANIFEST })
  const door = await openFrontDoorProving()
  const office = await openControlApiProving()
  const { provable, facts } = proving
  const narrowed = provable.attacks().filter(({ tiers }) => tiers.includes('pooled'))
  try {
    return await runProof({
      boundaries: [provable, door.provable, office.provable],
      subjects: [proving, door, office].map(({ subject: { name, sha256 } }) => ({
        name,
        digest: { sha256 },
      })),
      toolVersion: 'bench',
      environment: { ...facts, ...door.facts, ...office.facts },
      ...(context.quick
        ? {
            tiers: ['pooled'],
            mutants: false,
            only: narrowed.slice(0, QUICK_ATTACKS).map(({ id }) => id),
          }
        : {}),
      onProgress: (event) => {
        if (event.type === 'tier-finished')
          context.say(`${event.report.engine} ${event.report.tier} is done`)
      },
    })
  } finally {
    await proving.close()
  }
}
