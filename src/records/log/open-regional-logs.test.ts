import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test, type TestContext } from 'node:test'
import { logOf } from '../../audit/entry.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { until } from '../../core/until.test-support.ts'
import type { Configuration, ConfigurationSource } from '../../snapshot/snapshot.ts'
import { InboxMover } from '../intake/inbox-mover.ts'
import { IntakeDatabase } from '../intake/intake-database.ts'
import { type IntakeSite, startIntakeSite } from '../intake/intake-site.test-support.ts'
import { KeyEncryptionKeys } from './key-encryption.ts'
import type { LogDatabaseSettings } from './log-database.ts'
import { openRegionalLogs, type RegionalLogsOptions } from './open-regional-logs.ts'
import { asked, entryFor } from './test-logs.test-support.ts'

const keys = new KeyEncryptionKeys([randomBytes(32)])
const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')
const INITECH = parseTenantId('initech')

let site: IntakeSite
let made = 0
before(async () => {
  site = await startIntakeSite()
})
after(() => site?.stop())

/** A database of another region, in which the records plane may do what it likes. */
async function region(): Promise<LogDatabaseSettings> {
  made += 1
  await site.ask(`create database region_${made} owner rf_records`)
  return { ...site.records, database: `region_${made}` }
}

/** A configuration that tests change. */
class Source implements ConfigurationSource {
  readonly regions = new Map<TenantId, string>()
  #listener: Parameters<ConfigurationSource['onChange']>[0] = () => {}

  current(): Configuration {
    const tenant = (id: TenantId) => {
      const where = this.regions.get(id)
      return where === undefined ? undefined : { id, region: where, status: 'active' }
    }
    const tenants = () => [...this.regions.keys()].map(tenant).values()
    return { version: 1, tenant, tenants } as unknown as Configuration
  }

  onChange(listener: Parameters<ConfigurationSource['onChange']>[0]): void {
    this.#listener = listener
  }

  set(id: TenantId, where: string | undefined): void {
    if (where === undefined) this.regions.delete(id)
    else this.regions.set(id, where)
    this.#listener([id], this.current())
  }
}

async function opened(t: TestContext, more: Pick<RegionalLogsOptions, 'regions' | 'source'>) {
  const lines: string[] = []
  const open = await openRegionalLogs({
    ...{ database: site.records, keys, originPrefix: 'audit.example', againMs: 20 },
    log: (line) => lines.push(line),
    ...more,
  })
  let isClosed = false
  const close = async () => {
    if (isClosed) return
    isClosed = true
    await open.close()
  }
  t.after(close)
  return { ...open, lines, close }
}

/** All that a database holds, as text. */
async function allOf(settings: LogDatabaseSettings): Promise<string> {
  const rows = await asked<{ readonly text: string }>(
    settings,
    `select coalesce(string_agg(table_schema || '.' || table_name || ' ' ||
       query_to_xml(format('select * from %I.%I', table_schema, table_name), true, true, '')::text, ''), '')
       as text
     from information_schema.tables where table_schema = 'records'`,
  )
  return rows[0]?.text ?? ''
}

async function forgetAll(): Promise<void> {
  await site.ask('drop schema records cascade')
  await site.ask('create schema records')
  await site.ask('grant usage, create on schema records to rf_records')
  await site.ask('truncate audit.inbox')
}

test('nothing of a tenant of one region is in the database of another, from its first entry to after its end', async (t) => {
  await forgetAll()
  const [eu, us] = [await region(), await region()]
  const regions = [
    { region: 'eu', database: eu },
    { region: 'us', database: us },
  ]
  const source = new Source()
  source.regions.set(ACME, 'eu')
  source.regions.set(GLOBEX, 'us')
  const first = await opened(t, { regions, source })
  const database = await IntakeDatabase.open(site.records)
  t.after(() => database.close())
  const move = () => InboxMover.start({ database, logs: first.logs, log: () => {}, lookMs: 5 })
  let mover = move()
  const submit = (...tenants: (string | undefined)[]) =>
    site.ask('select audit.submit($1::jsonb)', [
      JSON.stringify(tenants.map((tenant) => entryFor(tenant, { layer: `of-${tenant}` }))),
    ])
  const waiting = async () =>
    (
      await site.ask<{ tenant: string }>(`select entry ->> 'tenant' as tenant from audit.inbox`)
    ).map(({ tenant }) => tenant)
  await submit('acme', 'globex', 'initech', undefined)
  await until(async () => (await waiting()).join() === 'initech')

  // Known to the configuration now: what had waited comes to its own region.
  source.set(INITECH, 'us')
  await until(async () => (await waiting()).length === 0)
  assert.equal((await first.logs.read(logOf(INITECH), 0, 10)).length, 1)

  await mover.close()
  await first.close()
  // Gone from the configuration, after a restart: its log is found all the same, and goes on.
  source.regions.clear()
  const second = await opened(t, { regions, source })
  mover = InboxMover.start({ database, logs: second.logs, log: () => {}, lookMs: 5 })
  t.after(() => mover.close())
  await submit('acme', 'initech')
  await until(async () => (await waiting()).length === 0)
  assert.equal((await second.logs.read(logOf(INITECH), 0, 10)).length, 2)
  for (const store of second.stores()) await store.sign(true)

  const [inEu, inUs, inHome] = [await allOf(eu), await allOf(us), await allOf(site.records)]
  assert.ok(inEu.includes('tenant/acme') && !/globex|initech/.test(inEu))
  assert.ok(inUs.includes('tenant/globex') && inUs.includes('tenant/initech'))
  assert.ok(!inUs.includes('acme'))
  assert.ok(!/tenant\/(?:acme|globex|initech)/.test(inHome))
})

test('a region whose database is away keeps no other waiting, and goes on when it is back', async (t) => {
  await forgetAll()
  const [eu, us] = [await region(), await region()]
  const away = String(us.database)
  await site.ask(`alter database ${away} allow_connections false`)
  const source = new Source()
  source.regions.set(ACME, 'eu')
  source.regions.set(GLOBEX, 'us')
  const { logs, lines } = await opened(t, {
    regions: [
      { region: 'eu', database: eu },
      { region: 'us', database: us },
    ],
    source,
  })
  await logs.append([entryFor('acme')])
  await assert.rejects(logs.append([entryFor('globex')]), { code: 'engine_unavailable' })
  assert.match(lines.join('\n'), /region us/)
  await site.ask(`alter database ${away} allow_connections true`)
  await until(async () =>
    logs.append([entryFor('globex')]).then(
      () => true,
      () => false,
    ),
  )
  assert.equal((await logs.read(logOf(GLOBEX), 0, 10)).length, 1)
})

test('an id that was a tenant’s of one region is not written down in another', async (t) => {
  await forgetAll()
  const [eu, us] = [await region(), await region()]
  const regions = [
    { region: 'eu', database: eu },
    { region: 'us', database: us },
  ]
  const source = new Source()
  source.regions.set(ACME, 'eu')
  const open = await opened(t, { regions, source })
  await open.logs.append([entryFor('acme')])
  source.set(ACME, undefined)
  source.set(ACME, 'us')
  await open.regions?.settled()
  await assert.rejects(open.logs.append([entryFor('acme')]), { code: 'not_found' })
  assert.match(open.lines.join('\n'), /acme is in us and its log in eu/)
})

test('logs that began in the control database are not gone on with in another', async (t) => {
  await forgetAll()
  const source = new Source()
  source.regions.set(ACME, 'eu')
  const plain = await opened(t, { regions: [], source })
  await plain.logs.append([entryFor('acme')])
  await plain.close()
  const elsewhere = [{ region: 'eu', database: await region() }]
  await assert.rejects(opened(t, { regions: elsewhere, source }), { code: 'conflict' })
  const here = await opened(t, { regions: [{ region: 'eu', database: undefined }], source })
  await here.logs.append([entryFor('acme')])
  assert.equal((await here.logs.read(logOf(ACME), 0, 10)).length, 2)
})
