import type { Leaser } from '../../boundaries/boundary.ts'
import { remoteLeaser } from '../../cells/remote-boundary.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { CellName } from '../../core/tenant.ts'
import { listen } from '../../http/listen.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import { SnapshotFollower } from '../../snapshot/snapshot-follower.ts'
import { saturationOf } from '../../telemetry/metrics/saturation.ts'
import { Sweeper } from '../../vending/sweeper.ts'
import { openVending } from '../../vending/vending.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { followerOptions, revocationOptions } from './follower-options.ts'
import { type OpenJournal, openJournal } from './open-journal.ts'
import type { Measures } from './measured.ts'
import type { Served } from './served.ts'

/** Vending: the only process that asks cells for credentials, and can ask them for nothing else. */
export async function serveVending(
  spec: PlaneSpec<'vending'>,
  { log, telemetry }: Measures,
): Promise<Served> {
  const leasers = new Map<CellName, Leaser>(
    spec.cells.map((cell) => [cell.name, remoteLeaser(cell.leaser)]),
  )
  const source = await SnapshotFollower.open(await followerOptions(spec, log))
  let revocations: RevocationFollower | undefined
  let lines: OpenJournal | undefined
  const letGo = async () => {
    await lines?.close()
    await revocations?.close()
    await source.close()
  }
  try {
    revocations = await RevocationFollower.open(await revocationOptions(spec, log))
    lines = await openJournal(spec.journalDirectory, spec.records, log)
    const vending = await openVending({
      audience: spec.audience,
      configuration: source,
      revocations,
      ...(telemetry === undefined ? {} : { telemetry: telemetry.server }),
      leaserOf: (cell) => leaserIn(leasers, cell),
      journal: lines.journal,
      ...(lines.usageSource === undefined ? {} : { usageSource: lines.usageSource }),
      log,
    })
    telemetry?.registry.add(saturationOf(vending.pools))
    const sweeper = new Sweeper({
      leasers: () => [...leasers.values()],
      onSweep: ({ overBudget }) => {
        for (const reason of overBudget) log(`ended ${reason}`)
      },
      onError: (error) =>
        log(`sweep: ${error instanceof RingfenceError ? error.code : 'internal'}`),
    })
    const listening = await listen(vending.app.fetch, spec.listen)
    sweeper.start()
    return {
      url: listening.url,
      async close() {
        await listening.close()
        await sweeper.stop()
        await vending.close()
        await letGo()
      },
    }
  } catch (error) {
    await letGo()
    throw error
  }
}

function leaserIn(leasers: ReadonlyMap<CellName, Leaser>, cell: CellName): Leaser {
  const leaser = leasers.get(cell)
  if (leaser === undefined) {
    throw new RingfenceError('engine_unavailable', 'the tenant’s cell cannot be reached', {
      detail: `no cell ${cell} is configured`,
    })
  }
  return leaser
}
