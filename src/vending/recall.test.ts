import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Journal } from '../journal/journal.ts'
import { recall } from './recall.ts'
import { VendingJournal } from './vending-journal.ts'

test('what is recalled is the last of it, over all pages, and torn lines are passed over', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-recall-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const now = Date.now()
  const lines = await Journal.open({ directory, bytesMax: 700 })
  const journal = new VendingJournal(lines)
  for (const minutes of [90, 70, 50, 30, 10]) {
    await journal.append({
      at: new Date(now - minutes * 60_000).toISOString(),
      act: 'denial',
      request_id: String(minutes),
      verified: false,
      layer: 'form',
      reason: 'repeated',
    })
  }
  await lines.close()
  assert.ok(readdirSync(directory).length > 1)
  const newest = readdirSync(directory).sort().at(-1) ?? ''
  appendFileSync(join(directory, newest), '{"kind":"own","value":{"at":')
  const recalled = async () => {
    const found = await recall(directory, 55 * 60_000)
    return found.map(({ request_id }) => request_id)
  }
  assert.deepEqual(await recalled(), ['50', '30', '10'])
  t.mock.timers.enable({ apis: ['Date'], now: now + 24 * 3_600_000 })
  assert.deepEqual(await recalled(), ['50', '30', '10'], 'also when the clock was set forward')
  t.mock.timers.setTime(now - 24 * 3_600_000)
  assert.deepEqual(await recalled(), ['90', '70', '50', '30', '10'], 'and when it was set back')
})
