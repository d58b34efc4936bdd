import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Cluster } from '../../../clusters/cluster.ts'
import { parseTenantId, type Tier } from '../../../core/tenant.ts'
import type { Rehearsal } from '../../boundary.ts'
import type { Application } from '../manifest.ts'
import { RehearsalHost } from '../rehearsal/rehearsal-host.ts'
import { ATTACKS } from './attacks.ts'

const SQL = `
create table kind (kind text primary key, meaning text not null);
insert into kind values ('short', 'a line'), ('long', 'a page');
create type mood as enum ('bright', 'dull');
create table entry (
  tenant_id uuid not null,
  day date not null,
  place varchar(40) not null,
  kind text not null references kind,
  mood mood not null,
  words text not null,
  word_count int generated always as (length(words)) stored,
  tags text[] not null default '{}',
  weather jsonb not null,
  photo bytea,
  cost numeric(10, 2) not null,
  private_words text,
  primary key (tenant_id, day, place)
);
create table reading (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  day date not null,
  place varchar(40) not null,
  reader text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, day, place) references entry (tenant_id, day, place)
);
create table tally (tenant_id uuid not null primary key, entries bigint not null);
create view bright_entry as select tenant_id, day, words from entry where mood = 'bright';
`
const sha256 = createHash('sha256').update(SQL).digest('hex')

/** An application with unlike tables: the attacks must find their way through any. */
export const DIARY: Application = {
  name: 'diary',
  schema: 'diary',
  tenantColumn: 'tenant_id',
  tables: {
    entry: {
      allow: ['select', 'insert', 'update', 'delete'],
      hidden: ['private_words'],
      sample: { kind: 'short' },
    },
    reading: { allow: ['select', 'insert'], hidden: [], sample: {} },
    tally: { allow: ['select'], hidden: [], sample: {} },
  },
  shared: ['kind'],
  views: ['bright_entry'],
  functions: [],
  migrations: [{ name: 'diary', sql: SQL, sha256 }],
  sha256,
}

const [A, B, C] = [parseTenantId('a'), parseTenantId('b'), parseTenantId('c')]

/** On one tier: every attack, both ways, is denied or meets a limit that it states. */
export function tryAttacks(tier: Tier, server?: () => Promise<Cluster>): void {
  let external: Cluster | undefined
  let rehearsal: Rehearsal

  before(async () => {
    external = await server?.()
    const host = new RehearsalHost({
      application: DIARY,
      ...(external === undefined ? {} : { external }),
    })
    rehearsal = await host.rehearse(tier, [A, B, C])
  })
  after(async () => {
    await rehearsal?.close()
    await external?.stop()
  })

  test(`${tier}: the administrator sees the canaries of all tenants`, async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
  })

  for (const attack of ATTACKS.filter(({ tiers }) => tiers.includes(tier))) {
    test(`${tier}: ${attack.id} reaches no other tenant, either way`, async () => {
      for (const [attacker, victim] of [
        [A, B],
        [B, A],
      ] as const) {
        const { verdict, owner, outcome } = await rehearsal.strike(attack, attacker, victim)
        const expected = attack.limits[tier] === undefined ? ['denied'] : ['denied', 'limit']
        assert.ok(expected.includes(verdict), `${verdict}: ${owner} // ${outcome}`)
        assert.doesNotMatch(`${owner} ${outcome}`, /canary-|\brfx?[0-9a-f]*_[0-9a-f]{32}/)
      }
    })
  }

  test(`${tier}: after all attacks everything is where it was`, async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
  })
}
