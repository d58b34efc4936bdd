import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { parseConnectionUrl } from './connection-url.ts'

test('a URL becomes settings, each part decoded', () => {
  assert.deepEqual(parseConnectionUrl('postgres://ad%40min:p%2Fw%3A%25@127.0.0.1:5433/my%20db'), {
    host: '127.0.0.1',
    port: 5433,
    user: 'ad@min',
    password: 'p/w:%',
    database: 'my db',
    ssl: false,
  })
  assert.deepEqual(parseConnectionUrl('postgresql://u@[::1]'), {
    host: '::1',
    port: 5432,
    user: 'u',
    database: 'postgres',
    ssl: false,
  })
  assert.equal(parseConnectionUrl('postgres://u@/db?host=/run/pg%20sock').host, '/run/pg sock')
  assert.equal(parseConnectionUrl('postgres://u@/db?host=/run&port=6000').port, 6000)
})

test('another machine must show a certificate unless the URL says otherwise', () => {
  const tls = (rest: string) => parseConnectionUrl(`postgres://u:p@${rest}`).ssl
  assert.equal(tls('db.example.org/x'), true)
  assert.equal(tls('db.example.org/x?sslmode=verify-full'), true)
  assert.deepEqual(tls('db.example.org/x?sslmode=require'), { rejectUnauthorized: false })
  assert.equal(tls('db.example.org/x?sslmode=disable'), false)
  assert.equal(tls('localhost/x'), false)
  assert.equal(tls('127.0.0.1.example.org/x'), true)
})

test('anything else is refused in one line that repeats no secret', () => {
  const secret = 'planted-77aa'
  for (const url of [
    '',
    'not a url',
    'postgres://u@/db?host=/run&port=0',
    'postgres://u@/db?host=/run&port=70000',
    'postgres://u@h:5432/db?port=5433',
    `u:${secret}@host/db`,
    `mysql://u:${secret}@host/db`,
    `postgres://u:${secret}@host:0/db`,
    `postgres://u:${secret}@host:65536/db`,
    `postgres://u:${secret}@host:x/db`,
    `postgres://u:${secret}@h1,h2/db`,
    `postgres://:${secret}@host/db`,
    `postgres://u:${secret}@/db`,
    `postgres://u:${secret}@host/db/more`,
    `postgres://u:${secret}@host/db#x`,
    `postgres://u:${secret}@host/db?options=-csearch_path%3Dx`,
    `postgres://u:${secret}@host/db?sslmode=prefer`,
    `postgres://u:${secret}@host/db?sslmode=disable&sslmode=require`,
    `postgres://u:${secret}@host/db?host=/run`,
    `postgres://u:${secret}@/db?host=run`,
    `postgres://u:${secret}@host/db?sslmode=verify-full&sslrootcert=/no/such/${secret}`,
    `postgres://u:${secret}%@host/db`,
    `postgres://u:${secret}%00@host/db`,
    `postgres://u:${secret}@ho\nst/db`,
  ]) {
    assert.throws(
      () => parseConnectionUrl(url),
      (error) => {
        assert.ok(error instanceof RingfenceError, url)
        assert.equal(error.code, 'invalid_url', url)
        assert.equal(/\n/.test(error.message), false)
        assert.equal(JSON.stringify([error.message, error.detail]).includes(secret), false, url)
        assert.equal(error.cause, undefined)
        return true
      },
      url,
    )
  }
})
