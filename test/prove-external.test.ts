import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { runCommandLine } from '../src/cli/program.ts'
import type { EmbeddedCluster } from '../src/clusters/embedded-cluster.ts'
import { startEmbedded } from '../src/clusters/embedded-cluster.ts'
import { findDistributionBinaries } from '../src/clusters/server-binaries.ts'

const MIGRATIONS = 'examples/clinic/migrations'
/** Enough of a run to see strikes and a mutant, and short. */
const NARROW = ['--only', 'pg-select-without-where', 'pg-rls-disabled', '--tier', 'pooled']

/** The user's own server: the distribution's where there is one, else the one from npm. */
const distribution = findDistributionBinaries().at(-1)

let directory: string
let server: EmbeddedCluster
let manifest: string
let withoutMigrations: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-external-'))
  server = await startEmbedded({
    name: 'theirs',
    directory: join(directory, 'server'),
    profile: 'cell',
    ...(distribution === undefined ? {} : { binaries: distribution.binaries }),
  })
  await as('postgres', async (client) => {
    await client.query('create database theirs')
  })
  await as('theirs', async (client) => {
    await client.query('create schema clinic')
    for (const name of readdirSync(MIGRATIONS).sort()) {
      await client.query(readFileSync(join(MIGRATIONS, name), 'utf8'))
    }
  })
  manifest = 'examples/clinic/ringfence.yaml'
  withoutMigrations = join(directory, 'ringfence.yaml')
  writeFileSync(
    withoutMigrations,
    readFileSync(manifest, 'utf8').replace(/^ *migrations:.*\n/m, ''),
  )
})

after(async () => {
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function as<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...server.admin, database })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function url(): string {
  const { host, port, user, password } = server.admin
  const parameters = new URLSearchParams({ host, port: String(port) })
  return `postgres://${user}:${encodeURIComponent(password ?? '')}@/theirs?${parameters.toString()}`
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const seen = { out: '', err: '' }
  const code = await runCommandLine([...args, '--database', 'env:THEIRS'], {
    out: (text) => void (seen.out += text),
    err: (text) => void (seen.err += text),
    isTty: false,
    width: 100,
    environment: { THEIRS: url() },
  })
  return { code, ...seen }
}

/** Everything that a run could leave on the server. */
async function leftovers(): Promise<unknown> {
  return as('theirs', async (client) => {
    const { rows } = await client.query(
      `select (select array_agg(datname::text order by 1) from pg_database) as databases,
         (select array_agg(rolname::text order by 1) from pg_roles where rolname !~ '^pg_') as roles,
         (select array_agg(nspname::text order by 1) from pg_namespace) as schemas`,
    )
    return rows[0]
  })
}

describe('a database of the user’s own', () => {
  test('without the boundary is one critical finding', async () => {
    const { code, out } = await run('inspect', '-f', manifest, '-o', 'json')
    assert.equal(code, 1)
    assert.deepEqual(
      (JSON.parse(out) as { rule: string; severity: string }[]).map(({ rule, severity }) => [
        rule,
        severity,
      ]),
      [['pg-boundary-absent', 'critical']],
    )
  })

  for (const how of ['migrations', 'catalog'] as const) {
    test(`is rehearsed beside, from its ${how}, and nothing of it stays on the server`, async () => {
      const before = await leftovers()
      const { code, out, err } = await run(
        'prove',
        ...['-f', how === 'migrations' ? manifest : withoutMigrations],
        ...[
          '--out',
          join(directory, how),
          '--state',
          join(directory, 'state'),
          '-o',
          'json',
          ...NARROW,
        ],
      )
      const report = JSON.parse(out) as {
        reasons: string[]
        tiers: { tier: string; strikes: { verdict: string }[]; mutants: { status: string }[] }[]
      }
      assert.deepEqual(
        report.tiers.map(({ tier, strikes, mutants }) => [
          tier,
          ...strikes.map(({ verdict }) => verdict),
          ...mutants.map(({ status }) => status),
        ]),
        [['pooled', 'denied', 'denied', 'denied', 'noticed']],
        err,
      )
      // The rehearsal holds, and the database itself does not: the verdict is about the database.
      assert.equal(code, 1)
      assert.match(report.reasons.join(), /pg-boundary-absent/)
      assert.deepEqual(await leftovers(), before)
    })
  }
})
