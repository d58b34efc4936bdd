import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replay } from '../replay.ts'
import { behaviourSettingsSchema } from '../settings.ts'
import { judge } from './judge.ts'
import { simulate } from './simulate.ts'

const OPTIONS = { seed: 11, tenants: 2, days: 11, attacksFrom: 8 } as const
/** Below what is told, on purpose: nobody is to believe that everything is seen. */
const UNSEEN = new Set(['forged tokens, slowly', 'drained slowly'])

test('of labelled traffic every loud attack is told, and next to nothing that is none', async () => {
  const days = [...simulate(OPTIONS)]
  const lines = days.flatMap((day) =>
    day.lines.map((line) => JSON.stringify('entry' in line ? line.entry : line.event)),
  )
  const labels = days.flatMap((day) => day.labels)
  const { findings, judged, entries, events } = await replay(
    lines,
    behaviourSettingsSchema.parse({}),
  )
  assert.equal(entries + events, lines.length)
  const { attacks, detectors } = judge(findings, labels)
  for (const { attack, staged, told } of attacks) {
    assert.equal(staged, 3, attack)
    if (!UNSEEN.has(attack)) assert.equal(told, 3, attack)
  }
  const falseFindings = detectors.reduce((sum, one) => sum + one.falseFindings, 0)
  assert.ok(judged > 100)
  assert.ok(falseFindings <= judged / 100, `${falseFindings} of ${judged}`)
})

test('the same seed is the same traffic', () => {
  const begun = (seed: number) => JSON.stringify(simulate({ ...OPTIONS, seed }).next().value)
  assert.equal(begun(3), begun(3))
  assert.notEqual(begun(3), begun(4))
})

test('a line that is neither an entry nor an event is refused, with its number', async () => {
  await assert.rejects(replay(['', '{"id":"x"}'], behaviourSettingsSchema.parse({})), {
    code: 'invalid_argument',
    message: /^line 2 /,
  })
})
