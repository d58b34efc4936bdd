import assert from 'node:assert/strict'
import { test } from 'node:test'
import { natsSchema } from './nats-settings.ts'

const accepted = (settings: object) =>
  natsSchema.safeParse({ servers: ['tls://nats.example:4222'], ...settings }).success

test('NATS is reached over TLS and by name, or on this machine', () => {
  for (const server of [
    'tls://nats.example',
    'tls://nats.example:4443',
    'tls://localhost:4222',
    'nats://127.0.0.1:4222',
    'nats://[::1]:4222',
    'nats://localhost',
  ]) {
    assert.ok(accepted({ servers: [server] }), server)
  }
  for (const server of [
    'nats://nats.example:4222',
    'nats://10.0.0.1:4222',
    'nats://[fe80::1]:4222',
    'nats://127.0.0.1.evil.example',
    'nats://localhost@evil.example',
    'nats://user:secret@127.0.0.1',
    'tls://user:secret@nats.example',
    'tls://10.0.0.1:4222',
    'tls://nats.example/x',
    'tls://nats.example:99999999',
    'ws://127.0.0.1',
    'http://nats.example',
    'nats.example:4222',
    'tls://',
    '',
  ]) {
    assert.equal(accepted({ servers: [server] }), false, server)
  }
  assert.equal(accepted({ servers: ['tls://nats.example', 'nats://nats.example'] }), false)
  assert.equal(accepted({ servers: [] }), false)
})

test('without TLS another machine is reached only where that is said', () => {
  assert.ok(accepted({ servers: ['nats://10.0.0.1:4222'], plaintextAllowed: true }))
  assert.equal(accepted({ servers: ['http://10.0.0.1'], plaintextAllowed: true }), false)
})

test('who we are there is said in one way, and secrets by their files', () => {
  const [user, passwordFile, credentialsFile] = ['gateway', '/run/password', '/run/gateway.creds']
  assert.ok(accepted({ user, passwordFile }))
  assert.ok(accepted({ credentialsFile }))
  for (const login of [
    { user },
    { passwordFile },
    { user, passwordFile, credentialsFile },
    { user, password: 'in plain text' },
    { token: 'in plain text' },
  ]) {
    assert.equal(accepted(login), false, JSON.stringify(login))
  }
})

test('what subjects begin with has no wildcard in it', () => {
  assert.ok(accepted({ prefix: 'acme.ringfence' }))
  for (const prefix of ['', '>', 'a.*', 'a b', 'a.', '.a', 'a\r\nPUB x 0', 'a'.repeat(101)]) {
    assert.equal(accepted({ prefix }), false, prefix)
  }
})
