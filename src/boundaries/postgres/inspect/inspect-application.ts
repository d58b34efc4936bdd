import type { Cluster } from '../../../clusters/cluster.ts'
import type { Finding } from '../../../core/finding.ts'
import { withClient } from '../connection.ts'
import type { Application } from '../manifest.ts'
import type { Names } from '../names.ts'
import { Site } from '../site.ts'
import { inspectDatabase } from './inspect.ts'

/**
 * Inspects a database of the user's as it stands. One in which the boundary was never installed is
 * one finding: everything in it is open to whoever may connect.
 */
export async function inspectApplication(
  cluster: Cluster,
  names: Names,
  application: Application,
): Promise<readonly Finding[]> {
  const database = cluster.admin.database
  const installed = await withClient(cluster.admin, async (client) => {
    const { rows } = await client.query<{ there: boolean }>(
      `select to_regclass('rf.application') is not null as there`,
    )
    return rows[0]?.there === true
  })
  if (installed) {
    const site = Site.attach({
      cluster,
      names: { ...names, pooledDatabase: database },
      application,
      custodianPassword: '',
      exclusive: false,
      bridges: false,
    })
    return inspectDatabase(site, database)
  }
  return [
    {
      rule: 'pg-boundary-absent',
      severity: 'critical',
      object: `${database}.${application.schema}`,
      explanation:
        'The boundary is not installed in this database: what keeps tenants apart in it is the application alone. The rehearsal shows what the boundary would hold.',
      fix: undefined,
    },
  ]
}
