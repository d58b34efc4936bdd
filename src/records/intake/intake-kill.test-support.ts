import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import pg from 'pg'
import { makeEntry } from '../../audit/make-entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { until } from '../../core/until.test-support.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { startIntakeSite } from './intake-site.test-support.ts'

/** A process of one of the fixtures, whose lines are told. */
function run(fixture: string, args: readonly string[], onLine: (line: string) => void) {
  const path = join(import.meta.dirname, fixture)
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', onLine)
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/**
 * Writes entries into a journal and into the inbox, and kills now who writes and now who takes them.
 * Whoever was promised an entry finds it in its log, once.
 */
export async function killAtRandom(
  t: TestContext,
  { rounds, written }: { readonly rounds: number; readonly written: number },
): Promise<void> {
  const site = await startIntakeSite()
  await site.ask('create table records.test_log (log text, id uuid, primary key (log, id))')
  await site.ask('grant select, insert on records.test_log to rf_records')
  const directory = mkdtempSync(join(tmpdir(), 'rf-intake-kill-'))
  const key = await SigningKey.create('EdDSA')
  const socket = join(directory, 's')
  const journal = join(directory, 'journal')
  const promised = new Set<string>()
  const actor = new pg.Client(site.actor)
  await actor.connect()
  const children = new Set<ChildProcess>()
  t.after(async () => {
    await Promise.all([...children].map(kill))
    await actor.end()
    await site.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const begin = (fixture: string, args: readonly string[], onLine: (line: string) => void) => {
    const child = run(fixture, args, onLine)
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }
  const openIntake = () =>
    begin(
      'intake-kill.fixture.ts',
      [JSON.stringify(site.records), socket, JSON.stringify(key.publicJwk)],
      () => {},
    )
  const openWriter = () =>
    begin(
      'writer-kill.fixture.ts',
      [journal, `unix:${socket}`, JSON.stringify(key.privateJwk)],
      (id) => promised.add(id),
    )
  const inLog = async () =>
    (await site.ask<{ id: string }>('select id from records.test_log')).map(({ id }) => id)

  let intake = openIntake()
  let writer = openWriter()
  for (let round = 0; round < rounds; round += 1) {
    const before = promised.size
    while (promised.size < before + written) {
      const entry = makeEntry({
        tenant: parseTenantId('acme'),
        category: 'lifecycle',
        action: 'tenant.status',
        actor: { kind: 'platform', id: 'control' },
        decision: 'done',
        layer: 'control',
      })
      await submitEntries(actor, [entry])
      promised.add(entry.id)
      await sleep(1)
    }
    await sleep(Math.random() * 50)
    await kill(round % 2 === 0 ? intake : writer)
    if (round % 2 === 0) intake = openIntake()
    else writer = openWriter()
  }
  await kill(writer)
  // A last one sends what the others left. What it writes itself meanwhile is not waited for.
  const due = [...promised]
  writer = openWriter()
  await until(async () => {
    const there = new Set(await inLog())
    return due.every((id) => there.has(id))
  })
  // Pages that were sent go a moment later.
  await until(() => !readdirSync(journal).includes('journal-00000001.ndjson'))
  await kill(writer)
  const ids = await inLog()
  assert.equal(new Set(ids).size, ids.length)
  const [quarantined] = await site.ask<{ n: number }>(
    'select count(*)::int as n from records.intake_quarantine',
  )
  assert.equal(quarantined?.n, 0)
}
