import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { TenantId } from '../../core/tenant.ts'
import { type DirectorySite, startDirectorySite } from '../directory/directory-site.test-support.ts'
import type { Mail, Mailer } from './mail.ts'
import { MailOutbox, WAITING_MAX } from './mail-outbox.ts'
import { NudgedRounds } from '../nudged-rounds.ts'

let site: DirectorySite
let acme: TenantId
let blue: TenantId
before(async () => {
  site = await startDirectorySite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
})
beforeEach(() => site.admin.query('delete from identity.mail'))
after(() => site.stop())

class FakeMailer implements Mailer {
  readonly sent: Mail[] = []
  fails: string | undefined

  async send(mail: Mail): Promise<void> {
    if (this.fails !== undefined) throw new Error(this.fails)
    this.sent.push(mail)
  }

  async close(): Promise<void> {}
}

function outboxOf() {
  const mailer = new FakeMailer()
  const logged: string[] = []
  const { database, sealing } = site
  const log = (line: string) => logged.push(line)
  const outbox = new MailOutbox({ database, sealing, mailer, log, pauseSeconds: () => 0 })
  const enter = (tenant: TenantId, to: string, seconds = 600) =>
    site.database.transaction((rows) =>
      outbox.enter(rows, tenant, seconds, (id) => ({
        id,
        to,
        fromName: 'Acme',
        subject: 'Hello',
        text: 'link-that-opens',
        html: '<p>link-that-opens</p>',
      })),
    )
  return { outbox, mailer, logged, enter }
}

const waiting = async () =>
  (await site.admin.query<{ n: number }>('select count(*)::int as n from identity.mail')).rows[0]?.n

test('a mail is sent once by several processes, and then it is gone', async () => {
  const one = outboxOf()
  const two = outboxOf()
  for (const n of [1, 2, 3, 4, 5, 6]) await one.enter(acme, `u${n}@x.example`)
  const drain = async ({ outbox }: typeof one) => {
    while (await outbox.deliver());
  }
  await Promise.all([drain(one), drain(two), drain(one)])
  const sent = [...one.mailer.sent, ...two.mailer.sent].map(({ to }) => to)
  assert.deepEqual(
    sent.sort(),
    [1, 2, 3, 4, 5, 6].map((n) => `u${n}@x.example`),
  )
  assert.equal(await waiting(), 0)
})

test('whoever reads the table reads no link, and a mail moved to another realm does not open', async () => {
  const { outbox, mailer, logged, enter } = outboxOf()
  await enter(acme, 'ana@x.example')
  const { rows } = await site.admin.query<{ row: string }>(
    'select m::text as row from identity.mail m',
  )
  const bytes = Buffer.from(/\\\\?x([0-9a-f]+)/.exec(rows[0]?.row ?? '')?.[1] ?? '', 'hex')
  assert.ok(bytes.length > 100)
  assert.doesNotMatch(bytes.toString('latin1'), /link-that-opens|ana@x/)
  await site.admin.query(`update identity.mail set tenant = 'blue'`)
  await outbox.deliver()
  assert.deepEqual(mailer.sent, [])
  assert.equal(logged.length, 1)
})

test('what cannot be sent is tried again, then given up, and no log tells for whom it was', async () => {
  const { outbox, mailer, logged, enter } = outboxOf()
  mailer.fails = 'no such user <ana@x.example>'
  await enter(acme, 'ana@x.example')
  await outbox.deliver()
  mailer.fails = undefined
  await outbox.deliver()
  assert.equal(mailer.sent.length, 1)
  mailer.fails = 'down'
  await enter(acme, 'ana@x.example')
  for (let attempt = 0; attempt < 10; attempt++) await outbox.deliver()
  assert.equal(await waiting(), 0)
  assert.match(logged.at(-1) ?? '', /given up/)
  assert.doesNotMatch(logged.join('\n'), /ana@/)
})

test('a link that would open nothing any more is not sent', async () => {
  const { outbox, mailer, enter } = outboxOf()
  await enter(acme, 'ana@x.example', 0)
  await outbox.deliver()
  assert.deepEqual(mailer.sent, [])
  assert.equal(await waiting(), 0)
})

test('a flood in one realm neither grows without end nor keeps the mail of another waiting', async () => {
  const { outbox, mailer, enter } = outboxOf()
  await enter(acme, 'first@x.example')
  await site.admin.query(
    `insert into identity.mail (tenant, id, sealed, expires_at, next_at)
     select 'acme', 'f' || n, '\\x00', now() + interval '1 hour', now() - interval '1 minute'
     from generate_series(1, ${WAITING_MAX}) n`,
  )
  await assert.rejects(enter(acme, 'one-more@x.example'), { code: 'overloaded' })
  await enter(blue, 'bob@x.example')
  await outbox.deliver()
  assert.deepEqual(
    mailer.sent.map(({ to }) => to),
    ['bob@x.example'],
  )
})

test('mail of a change that did not happen is not there', async () => {
  const { outbox } = outboxOf()
  const failing = site.database.transaction(async (rows) => {
    await outbox.enter(rows, acme, 600, (id) => ({
      id,
      to: 'a@x.example',
      fromName: 'A',
      subject: 's',
      text: '',
      html: '',
    }))
    throw new Error('no')
  })
  await assert.rejects(failing)
  assert.equal(await waiting(), 0)
})

test('a nudge during work is not lost, and work that fails is tried again', async () => {
  let calls = 0
  const logged: string[] = []
  const done = Promise.withResolvers<void>()
  const rounds: NudgedRounds = new NudgedRounds(
    'mail',
    async () => {
      calls += 1
      if (calls === 1) {
        rounds.nudge()
        return false
      }
      if (calls === 2) throw new Error('down')
      done.resolve()
      return false
    },
    (line) => logged.push(line),
  )
  rounds.nudge()
  while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve))
  rounds.nudge()
  await done.promise
  await rounds.close()
  rounds.nudge()
  assert.equal(calls, 3)
  assert.deepEqual(logged, ['mail: down'])
})
