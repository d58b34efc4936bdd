import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import { scratch, seeded } from '../clusters/scratch.test-support.ts'
import { Loan } from './lent-client.ts'
import { sqlTag, taggedQuery } from './sql-tag.ts'

const hostile = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '*/',
        '/*',
        "'",
        '"',
        '--',
        ';',
        '\\',
        '\n',
        '\r',
        '\0',
        '$$',
        '%',
        '\ud800',
        ')',
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)

describe('a statement’s tag', () => {
  test('is one comment and nothing else, whatever a route, a state or a trace says', () => {
    fc.assert(
      fc.property(fc.dictionary(hostile, hostile, { maxKeys: 5 }), hostile, (values, route) => {
        const tag = sqlTag({ ...values, route })
        assert.match(tag, /^(?:\/\*(?:[a-z][a-z0-9_]*='[A-Za-z0-9_.%-]*',?)+\*\/ )?$/)
        assert.equal(tag.split('*/').length <= 2, true)
        assert.ok(tag.length < 7 * 700)
      }),
    )
  })

  test('says what it was given, in order', () => {
    assert.equal(
      sqlTag({ service: 'clinic', route: "a'b*/;--", absent: undefined, empty: '' }),
      "/*route='a%27b%2A%2F%3B--',service='clinic'*/ ",
    )
  })

  test('leaves named statements, cursors and other query objects as they are', () => {
    const callback = () => undefined
    const tag = sqlTag({ service: 'clinic' })
    const named = { name: 'by-id', text: 'select $1', values: [1] }
    const submittable = { text: 'select 1', submit: () => undefined }
    for (const query of [named, submittable, { rows: 1 }, undefined, 7]) {
      assert.equal(taggedQuery(tag, [query, callback])[0], query)
    }
    const config = { text: 'select $1', values: [1], rowMode: 'array' }
    const [tagged, given] = taggedQuery(tag, [config, callback])
    assert.equal(given, callback)
    assert.equal((tagged as typeof config).text, `${tag}select $1`)
    assert.deepEqual((tagged as typeof config).values, [1])
    assert.equal(config.text, 'select $1', 'the caller’s own is not changed')
  })
})

test('a real server takes tagged statements as it takes others', async (t) => {
  const cluster = await seeded(t, { directory: `${scratch(t)}/data` })
  const client = new pg.Client(cluster.admin)
  await client.connect()
  try {
    const tag = (n: number) => sqlTag({ traceparent: `00-${String(n).padStart(32, '4')}`, n: '1' })
    const ask = (n: number, query: Parameters<pg.Client['query']>[0], values?: unknown[]) =>
      new Loan(client, tag(n)).db.query(query, values)
    // The server sees it.
    const { rows } = await ask(1, 'select query from pg_stat_activity where pid = pg_backend_pid()')
    assert.equal((rows as { query: string }[])[0]?.query.startsWith(tag(1)), true)
    // One name is prepared once, for every trace.
    for (let n = 1; n <= 4; n += 1) {
      const named = { name: 'sum', text: 'select $1::int + 1 as sum', values: [n] }
      assert.deepEqual((await ask(n, named as never)).rows, [{ sum: n + 1 }])
    }
    const prepared = await ask(5, 'select name, statement from pg_prepared_statements')
    assert.deepEqual(prepared.rows, [{ name: 'sum', statement: 'select $1::int + 1 as sum' }])
    // What was an error stays the same error, and what was not stays what it was.
    const outcome = (asking: Promise<pg.QueryResult>) =>
      asking.then(
        ({ command, rows }) => [command, rows],
        (error: { code?: string }) => [error.code],
      )
    for (const text of [
      'select 1 as a -- ',
      'select 1 as a /* open',
      "select 'open",
      'select "open',
      'select $$open',
      '*/ select 1 as a',
      "'*/ select 1 as a",
      '-- only a comment',
      '',
      'select 1 as a; select 2 as b',
      "select '/*' as a, '*/' as b",
      'begin',
      'rollback',
    ]) {
      const plain = await outcome(client.query(text))
      assert.deepEqual(await outcome(ask(6, text)), plain, text)
      await client.query('rollback')
    }
    assert.deepEqual((await ask(7, 'select $1::text as a', ['x'])).rows, [{ a: 'x' }])
  } finally {
    await client.end()
  }
})
