import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseWebhookSecret, signWebhook, verifyWebhook } from './standard-webhooks.ts'

const SECRET = parseWebhookSecret(`whsec_${Buffer.alloc(32, 1).toString('base64')}`)
const OTHER = parseWebhookSecret(`whsec_${Buffer.alloc(32, 2).toString('base64')}`)
const NOW = new Date('2026-06-01T12:00:00Z')
const BODY = JSON.stringify({
  type: 'approval.decided',
  data: { approval: 'a-1', approve: true, decided_by: 'pat' },
})

const refused = (code: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === code

describe('a signed message', () => {
  test('is what the specification’s own example says', () => {
    // From the test vectors of standard-webhooks: id, time, body and signature.
    const headers = signWebhook(
      [parseWebhookSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      '{"test": 2432232314}',
      new Date(1614265330_000),
    )
    assert.deepEqual(headers, {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test('is read with any of the secrets that are good now', () => {
    const headers = signWebhook([OTHER, SECRET], 'm1', BODY, NOW)
    for (const secrets of [[SECRET], [OTHER], [SECRET, OTHER]]) {
      const { id, decision } = verifyWebhook(secrets, headers, BODY, NOW)
      assert.equal(id, 'm1')
      assert.deepEqual(decision, { approval: 'a-1', approve: true, decided_by: 'pat' })
    }
  })

  test('is refused five minutes from now, either way', () => {
    const headers = signWebhook([SECRET], 'm1', BODY, NOW)
    for (const [seconds, good] of [
      [300, true],
      [-300, true],
      [301, false],
      [-301, false],
    ] as const) {
      const at = new Date(NOW.getTime() + seconds * 1000)
      const read = () => verifyWebhook([SECRET], headers, BODY, at)
      if (good) assert.equal(read().id, 'm1')
      else assert.throws(read, refused('not_authenticated'))
    }
  })

  test('is refused with any part changed, whatever the change', () => {
    const headers = signWebhook([SECRET], 'm1', BODY, NOW)
    fc.assert(
      fc.property(
        fc.constantFrom('webhook-id', 'webhook-timestamp', 'webhook-signature', 'body'),
        fc.oneof(fc.string(), fc.constantFrom('m2', '1780315201', 'v1,', 'v1,AAAA', `${BODY} `)),
        (part, text) => {
          const forged = part === 'body' ? headers : { ...headers, [part]: text }
          const body = part === 'body' ? text : BODY
          if (part === 'body' ? text === BODY : text === headers[part]) return
          assert.throws(
            () => verifyWebhook([SECRET], forged, body, NOW),
            refused('not_authenticated'),
          )
        },
      ),
    )
  })

  test('is refused under a secret that is not ours, without one, and with none configured', () => {
    const forged = signWebhook([OTHER], 'm1', BODY, NOW)
    for (const [secrets, headers] of [
      [[SECRET], forged],
      [[], forged],
      [[SECRET], {}],
      [[SECRET], { ...forged, 'webhook-signature': '' }],
    ] as const) {
      assert.throws(() => verifyWebhook(secrets, headers, BODY, NOW), refused('not_authenticated'))
    }
  })

  test('does not move a byte from one part to the next: parts cannot be cut elsewhere', () => {
    const headers = signWebhook([SECRET], 'm1', BODY, NOW)
    const shifted = { ...headers, 'webhook-id': `m1.${headers['webhook-timestamp']}` }
    assert.throws(() => verifyWebhook([SECRET], shifted, BODY, NOW), refused('not_authenticated'))
    assert.throws(() => signWebhook([SECRET], 'm.1', BODY, NOW), refused('invalid_argument'))
  })

  test('that is no decision is refused as such', () => {
    for (const body of ['', '[]', '{"type":"approval.decided"}', BODY.replace('true', '"yes"')]) {
      const headers = signWebhook([SECRET], 'm1', body, NOW)
      assert.throws(() => verifyWebhook([SECRET], headers, body, NOW), refused('invalid_argument'))
    }
  })
})

test('a secret that is short, not base64 or without its prefix is refused, and not repeated', () => {
  for (const value of [
    'whsec_',
    'whsec_c2hvcnQ=',
    `whsec_${'!'.repeat(40)}`,
    Buffer.alloc(32).toString('base64'),
    undefined,
  ]) {
    assert.throws(
      () => parseWebhookSecret(value),
      (error: Error) => !error.message.includes('c2hvcnQ='),
    )
  }
})
