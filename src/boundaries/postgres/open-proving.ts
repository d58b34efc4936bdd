import { openExternal } from '../../clusters/external-cluster.ts'
import type { Finding } from '../../core/finding.ts'
import { TIERS } from '../../core/tenant.ts'
import type { OpenProving, ProvingOptions } from '../cell.ts'
import { copySchema } from './application/copy-schema.ts'
import { ATTACKS } from './attacks/attacks.ts'
import { withClient } from './connection.ts'
import { inspectApplication } from './inspect/inspect-application.ts'
import { loadApplication } from './manifest.ts'
import { MUTANTS, MUTANTS_FOR_SHARED_SERVERS } from './mutants/mutants.ts'
import { namesFor } from './names.ts'
import { RehearsalHost } from './rehearsal/rehearsal-host.ts'
import { versionText } from './server-version.ts'

/**
 * A proof without a live platform. Without a URL it runs on embedded servers that are thrown away.
 * With one it runs on the user's server: in throw-away databases that hold a copy of the schema
 * (from the manifest's migrations, or read from the catalog when it has none) under other roles;
 * the user's database is only inspected.
 */
export async function openPostgresProving(options: ProvingOptions): Promise<OpenProving> {
  const manifest = loadApplication(options.manifest)
  const subject = { name: `application/${manifest.name}`, sha256: manifest.sha256 }
  const log = options.log === undefined ? {} : { log: options.log }
  const shared = { engine: 'postgres', attacks: () => ATTACKS, mutants: () => MUTANTS }
  if (options.url === undefined) {
    const host = new RehearsalHost({ application: manifest, ...log })
    return {
      provable: {
        ...shared,
        tiers: TIERS,
        inspect: async () => [],
        rehearse: (tier, tenants) => host.rehearse(tier, tenants),
      },
      facts: { place: 'embedded servers, thrown away' },
      subject,
      close: async () => {},
    }
  }
  const cluster = await openExternal('external', options.url)
  const application =
    manifest.migrations.length > 0
      ? manifest
      : {
          ...manifest,
          migrations: [await withClient(cluster.admin, (client) => copySchema(client, manifest))],
        }
  const host = new RehearsalHost({ application, external: cluster, ...log })
  return {
    provable: {
      ...shared,
      mutants: () => MUTANTS_FOR_SHARED_SERVERS,
      tiers: TIERS.filter((tier) => tier !== 'silo'),
      inspect: (): Promise<readonly Finding[]> =>
        inspectApplication(cluster, namesFor('rf', manifest.name), manifest),
      rehearse: (tier, tenants) => host.rehearse(tier, tenants),
    },
    facts: { place: 'the given server', server: versionText(cluster.serverVersion) },
    subject,
    close: () => cluster.stop(),
  }
}
