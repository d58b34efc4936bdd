import type { ConformanceSession, ConformanceSubject } from '../conformance/conformance.ts'
import { ident } from './connection.ts'
import type { PostgresCredential } from './postgres-boundary.ts'
import { connected, startTestSite, type TestSiteOptions } from './test-site.test-support.ts'

/** PostgreSQL as the conformance suite sees it: all tiers of a new embedded cell, or another server. */
export async function postgresSubject(
  options: TestSiteOptions = {},
): Promise<ConformanceSubject<PostgresCredential>> {
  const place = await startTestSite({ bridges: true, ...options })
  return {
    boundary: place.boundary,
    connect: (lease) => openSession(lease.credential),
    async outage() {
      const admin = await place.admin('postgres')
      const ledger = place.names.custodyDatabase
      const allow = (yes: boolean) =>
        admin.query(`alter database ${ident(ledger)} allow_connections ${yes}`)
      await allow(false)
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
        [ledger],
      )
      return async () => {
        await allow(true)
        await admin.end()
      }
    },
    close: () => place.stop(),
  }
}

async function openSession(credential: PostgresCredential): Promise<ConformanceSession> {
  const client = await connected(credential)
  return {
    async write(text) {
      await client.query('insert into notes.note (body) values ($1)', [text])
    },
    async read() {
      const { rows } = await client.query<{ body: string }>('select body from notes.note')
      return rows.map((row) => row.body)
    },
    close: () => client.end().catch(() => {}),
  }
}
