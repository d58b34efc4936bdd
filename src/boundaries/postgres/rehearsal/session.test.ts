import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { Session } from './session.ts'

let site: TestSite
let session: Session
before(async () => {
  site = await startTestSite()
  session = await Session.connect(site.cluster.admin)
})
after(async () => {
  await session?.close()
  await site?.stop()
})

const SEEN: Readonly<Record<string, string>> = {
  'a row': "select 'in-a-row' as x",
  'a row of bytes': "select 'in-a-row-of-bytes'::bytea as x",
  'an array of bytes': "select array['in-an-array-of-bytes'::bytea] as x",
  'a document': `select '{"x": ["in-a-document"]}'::jsonb as x`,
  'the second of several results': "select 1 as x; select 'in-the-second-of-several-results' as x",
  'an error': "select 'in-an-error'::int",
  'the detail of an error':
    "do $$ begin raise exception 'x' using detail = 'in-the-detail-of-an-error'; end $$",
  'a notice': "do $$ begin raise notice 'in-a-notice'; end $$",
  'a notification': "listen x; notify x, 'in-a-notification'",
  'copied data': "copy (select 'in-copied-data') to stdout",
  'copied binary data': "copy (select 'in-copied-binary-data') to stdout (format binary)",
}

for (const [where, sql] of Object.entries(SEEN)) {
  test(`what comes in ${where} has been seen`, async () => {
    const marker = `in-${where.replaceAll(' ', '-')}`
    assert.ok(!session.hasSeen(marker))
    await session.run(sql)
    assert.ok(session.hasSeen(marker))
  })
}

test('what is copied in arrives', async () => {
  await session.run('create temp table t (x text)')
  const { count, error } = await session.run('copy t from stdin', undefined, 'one\ntwo\n')
  assert.deepEqual({ count, error }, { count: 2, error: undefined })
  assert.equal(await session.value("select string_agg(x, '+' order by x) from t"), 'one+two')
})

test('after a reset nothing is left: sights, settings, statements, channels', async () => {
  await session.run("set my.mark = 'x'; prepare p as select 1; listen y; select 'seen-before'")
  assert.ok(await session.reset())
  assert.ok(!session.hasSeen('seen-before'))
  assert.notEqual(await session.value("select current_setting('my.mark', true)"), 'x')
  assert.notEqual((await session.run('execute p')).code, undefined)
  await session.run("notify y, 'after-reset'")
  assert.ok(!session.hasSeen('after-reset'))
})
