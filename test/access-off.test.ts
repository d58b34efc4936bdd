import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import { eventually, type TrialPlatform, trialPlatform } from './trial-platform.test-support.ts'

let trial: TrialPlatform

before(async () => {
  trial = await trialPlatform()
})
after(() => trial?.remove())

/** A `ringfence` command against the trial, and the JSON that it wrote. */
async function told(...args: readonly string[]): Promise<unknown> {
  const { code, output, out } = await trial.run(...args, '--state', trial.state, '-o', 'json')
  assert.equal(code, 0, output)
  return JSON.parse(out)
}

async function liveLeases(): Promise<readonly unknown[]> {
  const leases = (await told('leases', 'list', 'acme')) as { ended_at: string | null }[]
  return leases.filter((lease) => lease.ended_at === null)
}

test('a user who is deprovisioned by SCIM is served nowhere from then on, and nothing lent on its behalf lasts', async (t) => {
  await trial.up()
  const token = await trial.token('acme')
  const { iss, sub } = decodeJwt(token)
  assert.equal((await trial.get('acme', token)).status, 200)
  assert.notEqual((await liveLeases()).length, 0)
  const { secret } = (await told('scim-tokens', 'create', 'acme', 'source')) as { secret: string }
  const answer = await fetch(`${iss}/scim/v2/Users/${sub}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/scim+json' },
    body: JSON.stringify({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    }),
  })
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`)
  const answered = performance.now()
  // The token is good for minutes yet, as far as its signature goes.
  await eventually('the token opens nothing', async () => {
    const { status } = await trial.get('acme', token)
    return status === 401
  })
  t.diagnostic(
    `refused ${Math.round(performance.now() - answered)} ms after the source was answered`,
  )
  await eventually('no lease is left', async () => (await liveLeases()).length === 0)
})
