import assert from 'node:assert/strict'
import { inspectSite } from '../../src/boundaries/postgres/inspect/inspect.ts'
import { BUDGET_DEFAULT } from '../../src/boundaries/postgres/leases/budget.ts'
import { namesFor, randomPrefix } from '../../src/boundaries/postgres/names.ts'
import { Site } from '../../src/boundaries/postgres/site.ts'
import {
  CUSTODIAN_PASSWORD,
  connected,
  NOTES,
  tenantOf,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { killAt } from './victim.test-support.ts'

/** An installation takes about as long. */
const LATEST_MS = 1500

/** Kills a process that installs, and lets another one finish what it has begun. */
export async function killInstallation(place: TestSite): Promise<void> {
  const prefix = randomPrefix()
  await killAt('installing', place, prefix, Math.random() * LATEST_MS)
  const site = await Site.open({
    cluster: place.cluster,
    names: namesFor(prefix, NOTES.name),
    application: NOTES,
    custodianPassword: CUSTODIAN_PASSWORD,
    exclusive: true,
    bridges: true,
  })
  try {
    const findings = await inspectSite(site)
    assert.deepEqual(
      findings.filter((one) => !/^pg-(setting|server)-/.test(one.rule)),
      (await inspectSite(place.site)).filter((one) => !/^pg-(setting|server)-/.test(one.rule)),
    )
    for (const tier of ['pooled', 'bridge'] as const) {
      const made = tenantOf(`one-${tier}`, tier)
      await site.provision(made, (reserved) =>
        tier === 'bridge' ? site.makeBridgeDatabase(reserved.database) : Promise.resolve(),
      )
      const login = await site.custodian.open(made.id, 'write', 60, 'test', BUDGET_DEFAULT)
      const client = await connected({ ...place.cluster.admin, ...login })
      await client.query(`insert into notes.note (body) values ('here')`)
      await client.end()
    }
  } finally {
    await site.close()
  }
}
