import assert from 'node:assert/strict'
import { z } from 'zod'
import { eventually, type TrialPlatform } from './trial-platform.test-support.ts'

const PATH = '/v1/tenants/acme/objects/policy-store/main'
const EVERYBODY = 'permit(principal, action, resource);'
const NOBODY = 'permit(principal in Role::"acme/nobody", action, resource);'

const historySchema = z.looseObject({ generation: z.int(), why: z.string() })

/** Policies that keep everybody out are taken back to what they were, on the command line. */
export async function policiesBack(trial: TrialPlatform): Promise<void> {
  const client = trial.client()
  const put = (text: string) =>
    client.change(
      { method: 'PUT', path: PATH, body: { spec: { policies: [{ id: 'one', text }] } } },
      z.unknown(),
    )
  const token = await trial.token('acme')
  const served = (expected: number) =>
    eventually(`acme is answered ${expected}`, async () => {
      const { status } = await trial.get('acme', token)
      return status === expected
    })
  const back = (...args: readonly string[]) =>
    trial.run('policy', 'rollback', 'acme', ...args, '--yes', '--state', trial.state)

  await put(EVERYBODY)
  await put(NOBODY)
  await served(403)
  const never = await back('--to', '9')
  assert.equal(never.code, 2, never.output)
  const done = await back('--to', '1', '--why', 'nobody could work')
  assert.equal(done.code, 0, done.output)
  assert.match(done.out, /again those of version 1/)
  await served(200)
  const history = await client.list(`${PATH}/history`, historySchema)
  assert.deepEqual(
    history.map(({ generation }) => generation),
    [3, 2, 1],
  )
  assert.ok(JSON.stringify(history[0]).includes('nobody could work'))
  await client.change({ method: 'DELETE', path: PATH }, z.unknown())
}
