import type { TestContext } from 'node:test'
import type pg from 'pg'
import { scratch } from '../clusters/scratch.test-support.ts'
import { parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { connected, controlDatabase } from '../snapshot/control-database.test-support.ts'
import { REVOCATION_MIGRATIONS } from './migrations.ts'
import { PostgresRevocations } from './postgres-revocations.ts'
import { RevocationFollower, type RevocationFollowerOptions } from './revocation-follower.ts'
import type { Revocable, Revocation } from './revocation.ts'

export const ACME = parseTenantId('acme')
export const GLOBEX = parseTenantId('globex')
export const ANN = parseSubject('ann')
export const revocations = new PostgresRevocations()

/** A token of ann's at acme, issued a minute ago, with changes. */
export function revocable(change: Partial<Revocable> = {}): Revocable {
  return {
    tenant: ACME,
    id: 'token-1',
    session: 'session-1',
    subject: ANN,
    client: 'web',
    issuedAt: new Date(Date.now() - 60_000),
    ...change,
  }
}

/** Revokes one session of acme's. */
export const session = (id: string): Revocation => ({
  kind: 'session',
  tenant: ACME,
  id,
  at: new Date(),
})

export interface RevocationSite {
  readonly settings: pg.ClientConfig
  /** An administrator's. */
  readonly client: pg.Client
  readonly publish: (revocation: Revocation) => Promise<void>
  readonly follow: (options?: Partial<RevocationFollowerOptions>) => Promise<RevocationFollower>
  /** Another connection, gone after the test. */
  readonly connect: () => Promise<pg.Client>
}

/** A control database with schema `revocation`. */
export async function revocationSite(t: TestContext): Promise<RevocationSite> {
  const { settings, client } = await controlDatabase(t)
  await freshRevocations(client)
  const followers: RevocationFollower[] = []
  const clients: pg.Client[] = []
  t.after(async () => {
    await Promise.all(followers.map((follower) => follower.close()))
    await Promise.all(clients.map((one) => one.end()))
  })
  return {
    settings,
    client,
    publish: (revocation) => revocations.publish(client, revocation),
    async follow(options = {}) {
      const directory = `${scratch(t)}/revocations`
      const follower = await RevocationFollower.open({ directory, database: settings, ...options })
      followers.push(follower)
      return follower
    },
    async connect() {
      const one = await connected(settings)
      clients.push(one)
      return one
    },
  }
}

/** The schema as it is at the start, whatever was there. */
export async function freshRevocations(client: pg.Client): Promise<void> {
  await client.query('drop schema if exists revocation cascade; create schema revocation')
  for (const sql of REVOCATION_MIGRATIONS) await client.query(sql)
}
