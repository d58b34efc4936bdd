import type { Finding } from '../../../core/finding.ts'
import { withClient } from '../connection.ts'
import type { Silos } from '../silos.ts'
import type { Site } from '../site.ts'

/** Silos that the cell's ledger does not know, whether they run or not. Reads only. */
export async function inspectSilos(
  cell: Site,
  silos: Silos | undefined,
): Promise<readonly Finding[]> {
  const keys = (await silos?.keys()) ?? []
  if (silos === undefined || keys.length === 0) return []
  const known = await withClient(cell.admin(cell.names.custodyDatabase), async (ledger) => {
    const { rows } = await ledger.query<{ key: string }>(
      `select key from custody.tenant where tier = 'silo'
       union all select key from custody.move where tier = 'silo'`,
    )
    return new Set(rows.map(({ key }) => key))
  })
  // One that was erased meanwhile is gone.
  const strange = keys.filter((key) => !known.has(key) && silos.exists(key))
  return strange.map((key) => ({
    rule: 'pg-place-unknown',
    severity: 'medium',
    object: `silo ${key}`,
    explanation:
      'A server\u2019s directory is there that the ledger knows neither as a tenant\u2019s place nor as one that is being filled or left: what is in it is in no export and survives every erasure.',
    fix: undefined,
  }))
}
