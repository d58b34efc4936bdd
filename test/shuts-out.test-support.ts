import assert from 'node:assert/strict'
import { z } from 'zod'
import { until } from '../src/core/until.test-support.ts'
import { eventually, type TrialPlatform } from './trial-platform.test-support.ts'

/** As the proxy before the gateway says them: whoever guesses, and somebody else. Neither is ours. */
const GUESSER = '8.8.4.4'
const OTHER = '8.8.4.5'
const TRIES = 12

const responsesSchema = z.array(z.object({ id: z.string(), object: z.string(), kind: z.string() }))
const entriesSchema = z.array(
  z.object({
    entry: z.object({ action: z.string(), object: z.object({ id: z.string() }).optional() }),
  }),
)

/**
 * Somebody tries tokens until its address is shut out: by the gateway that it tried them at, undone by an
 * operator, and all of it in the platform's log.
 */
export async function shutsOut(trial: TrialPlatform): Promise<void> {
  const token = await trial.token('acme')
  const from = async (address: string, as = token) => {
    const headers = { 'x-forwarded-for': address }
    return (await trial.ask('acme', '/appointments?limit=1', as, { headers })).status
  }
  const told = async (...args: readonly string[]): Promise<unknown> => {
    const { code, output, out } = await trial.run(...args, '--state', trial.state, '-o', 'json')
    assert.equal(code, 0, output)
    return JSON.parse(out)
  }
  assert.equal(await from(GUESSER), 200)
  const [head, claims] = token.split('.')
  for (let turn = 0; turn < TRIES; turn += 1) {
    const forged = `${head}.${claims}.${Buffer.alloc(64, turn + 1).toString('base64url')}`
    assert.equal(await from(GUESSER, forged), 401)
  }
  await eventually('whoever guesses is shut out', async () => (await from(GUESSER)) === 429)
  assert.equal(await from(OTHER), 200)

  const inForce = responsesSchema.parse(await told('behaviour', 'responses'))
  const block = inForce.find(({ object }) => object === GUESSER)
  assert.ok(block)
  assert.equal(block.kind, 'block-address')
  const undo = ['behaviour', 'undo', block.id, '--why', 'our own scanner']
  const undone = await trial.run(...undo, '--state', trial.state)
  assert.equal(undone.code, 0, undone.output)
  await eventually('it is let in again', async () => (await from(GUESSER)) === 200)
  await eventually('the platform’s log holds all of it', async () => {
    const listed = await told('audit', 'list', '--platform', '--category', 'detection')
    const all = entriesSchema.parse(listed).map(({ entry }) => entry)
    const of = all.filter(({ object }) => object?.id === GUESSER)
    const actions = of.map(({ action }) => action).toSorted()
    return actions.join(' ') === 'behaviour.found response.begun response.undone'
  })
}

/** Alerts wait for others of their kind before they are sent: half a minute, in which there is else to do. */
export async function securityIsTold(trial: TrialPlatform): Promise<void> {
  await until(() =>
    trial.alerts().some((text) => text.includes('"for":"security"') && text.includes(GUESSER)),
  )
}
