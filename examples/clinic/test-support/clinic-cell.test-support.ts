import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { BUDGET_DEFAULT } from '../../../src/boundaries/postgres/leases/budget.ts'
import { loadApplication } from '../../../src/boundaries/postgres/manifest.ts'
import { namesFor } from '../../../src/boundaries/postgres/names.ts'
import { Site } from '../../../src/boundaries/postgres/site.ts'
import type { ConnectionSettings } from '../../../src/clusters/cluster.ts'
import { startSeeded } from '../../../src/clusters/test-seed.test-support.ts'
import type { Scope } from '../../../src/core/lease.ts'
import { parseRegion, parseTenantId, type TenantId } from '../../../src/core/tenant.ts'

export interface ClinicTenant {
  readonly id: TenantId
  readonly key: string
  /** Logins that Ringfence leased for the tenant. */
  readonly logins: Readonly<Record<Scope, ConnectionSettings & { readonly password: string }>>
}

/** A server with the clinic's schema behind the boundary. */
export interface ClinicCell {
  /** The superuser, on the clinic's database: what the boundary does not bind. */
  readonly admin: ConnectionSettings & { readonly password: string }
  addTenant(id: string): Promise<ClinicTenant>
  /** A connection as the superuser, closed with the cell. */
  client(): Promise<Client>
  stop(): Promise<void>
}

export async function startClinicCell(): Promise<ClinicCell> {
  const directory = await mkdtemp(join(tmpdir(), 'clinic cell '))
  const cleanUps: (() => Promise<unknown>)[] = [
    () => rm(directory, { recursive: true, force: true }),
  ]
  const stop = async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  }
  try {
    const cluster = await startSeeded({
      name: 'clinic-test',
      directory: join(directory, 'cell'),
      profile: 'cell',
    })
    cleanUps.push(() => cluster.stop())
    const names = namesFor('rf', 'clinic')
    const site = await Site.open({
      cluster,
      names,
      application: loadApplication(join(import.meta.dirname, '..', 'ringfence.yaml')),
      custodianPassword: 'only-for-this-test',
      exclusive: true,
      bridges: false,
    })
    cleanUps.push(() => site.close())
    const admin = {
      ...site.admin(names.pooledDatabase),
      password: cluster.admin.password ?? '',
    }
    return {
      admin,
      async addTenant(id) {
        const tenant = parseTenantId(id)
        const { key } = await site.reserve({
          id: tenant,
          tier: 'pooled',
          region: parseRegion('us-east'),
        })
        await site.activate(tenant)
        const login = async (scope: Scope) => {
          const opened = await site.custodian.open(tenant, scope, 900, 'clinic', BUDGET_DEFAULT)
          const { user, password, database } = opened
          return { ...cluster.admin, user, password, database }
        }
        return {
          id: tenant,
          key,
          logins: { read: await login('read'), write: await login('write') },
        }
      },
      async client() {
        const client = new Client(admin)
        await client.connect()
        cleanUps.push(() => client.end())
        return client
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
