import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionsFromEnvironment } from './options.ts'

const ENVIRONMENT = {
  RINGFENCE_SERVICE: 'clinic',
  RINGFENCE_CLIENT_ID: 'clinic-web',
  RINGFENCE_CLIENT_KEY: '/run/key.json',
  RINGFENCE_CONTEXT_KEYS: '/run/context-keys.json',
  RINGFENCE_VENDING: 'unix:/run/vending.sock',
  RINGFENCE_VENDING_AUDIENCE: 'ringfence-vending',
}
const CONTROL = {
  RINGFENCE_CONTROL: 'https://control.example:8443',
  RINGFENCE_CONTROL_AUDIENCE: 'ringfence-control',
}

test('the environment says all that a service needs to know', () => {
  const options = optionsFromEnvironment({ ...ENVIRONMENT, ...CONTROL })
  assert.deepEqual(options, {
    service: 'clinic',
    clientId: 'clinic-web',
    clientKey: '/run/key.json',
    contextKeys: '/run/context-keys.json',
    vending: { address: 'unix:/run/vending.sock', audience: 'ringfence-vending' },
    control: { address: 'https://control.example:8443', audience: 'ringfence-control' },
  })
  assert.equal(optionsFromEnvironment(ENVIRONMENT).control, undefined)
})

for (const name of Object.keys(ENVIRONMENT)) {
  test(`without ${name} there is one line that names it`, () => {
    assert.throws(() => optionsFromEnvironment({ ...ENVIRONMENT, [name]: undefined }), {
      code: 'invalid_argument',
      message: `${name}: it is not set`,
    })
  })
}

for (const [name, value] of [
  ['RINGFENCE_SERVICE', 'Clinic'],
  ['RINGFENCE_CLIENT_ID', 'a b'],
  ['RINGFENCE_VENDING', 'vending.sock'],
  ['RINGFENCE_VENDING', 'file:///etc/passwd'],
  ['RINGFENCE_CONTROL', 'ftp://control'],
] as const) {
  test(`${name}=${value} is refused`, () => {
    assert.throws(
      () => optionsFromEnvironment({ ...ENVIRONMENT, ...CONTROL, [name]: value }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'invalid_argument')
        assert.ok(error.message.startsWith(`${name}: `))
        assert.ok(!error.message.includes(value), 'the value is not repeated')
        return true
      },
    )
  })
}

test('half of the control plane’s address is refused', () => {
  assert.throws(() =>
    optionsFromEnvironment({ ...ENVIRONMENT, RINGFENCE_CONTROL: CONTROL.RINGFENCE_CONTROL }),
  )
})
