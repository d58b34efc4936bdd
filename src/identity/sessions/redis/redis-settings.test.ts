import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../redis/redis-server.ts'
import { redisSchema } from './redis-settings.ts'

const settings = (url: string) =>
  redisSchema.safeParse({ url, user: 'ringfence', passwordFile: '/run/password' })

test('Redis is reached over TLS, or on this machine', () => {
  const server = (url: string) => serverOf(redisSchema.parse(settings(url).data))
  const tls = { servername: 'redis.example' }
  assert.deepEqual(server('rediss://redis.example'), { host: 'redis.example', port: 6379, tls })
  assert.equal(server('rediss://redis.example:7000').port, 7000)
  assert.deepEqual(server('redis://127.0.0.1:6380'), { host: '127.0.0.1', port: 6380 })
  assert.deepEqual(server('redis://[::1]'), { host: '::1', port: 6379 })
  assert.deepEqual(server('unix:/run/redis.sock'), { path: '/run/redis.sock' })
})

test('a URL without TLS to another machine is refused, and so is one with a password, a database or options', () => {
  for (const url of [
    'redis://redis.example',
    'redis://127.0.0.1.evil.example',
    'redis://localhost@evil.example',
    'rediss://user:secret@redis.example',
    'rediss://redis.example/1',
    'rediss://redis.example?tls=false',
    'rediss://redis.example:99999999',
    'http://127.0.0.1',
    'unix:relative',
    '',
  ]) {
    assert.equal(settings(url).success, false, url)
  }
})

test('a password that cannot be read is a fault of the settings', () => {
  const parsed = redisSchema.parse({
    url: 'rediss://redis.example',
    user: 'ringfence',
    passwordFile: '/nowhere',
    caFile: '/nowhere/ca.pem',
  })
  assert.throws(() => serverOf(parsed), { code: 'invalid_argument' })
})
