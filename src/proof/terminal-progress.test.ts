import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeBoundary, RUN } from './fake-boundary.test-support.ts'
import { runProof } from './run-proof.ts'
import { terminalProgress } from './terminal-progress.ts'

async function progressOf(isTTY: boolean) {
  const written: string[] = []
  const terminal = { isTTY, columns: 60, write: (text: string) => written.push(text) }
  const progress = terminalProgress(terminal, { width: 60, colour: false })
  const boundary = fakeBoundary({
    verdict: (attack, tier) =>
      attack.id === 'fake-flood' && tier === 'silo' ? 'leaked' : 'denied',
  })
  await runProof({ ...RUN, boundaries: [boundary], onProgress: progress.onProgress })
  progress.end()
  return written.join('')
}

test('a log gets whole lines: the totals, each tier, and trouble as it happens', async () => {
  const text = await progressOf(false)
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f]/)
  const lines = text.trimEnd().split('\n')
  assert.equal(lines[0], 'proving 3 rehearsals: 45 strikes, 6 mutants')
  assert.ok(lines.includes('fake pooled: started'))
  assert.ok(lines.includes('✗ leaked fake silo fake-flood (acme → acme-1): got the canary'))
  assert.ok(lines.includes('✗ unnoticed fake pooled fake-filter-off'))
  assert.ok(lines.some((line) => line.startsWith('fake silo: 15 strikes, 2 mutants in ')))
  assert.ok(lines.length < 20)
})

test('a terminal gets one line drawn over, no wider than it is, and it is gone at the end', async () => {
  const text = await progressOf(true)
  assert.ok(text.endsWith('\r\u001b[2K'))
  const drawn = text.split('\r\u001b[2K').filter((part) => part !== '' && !part.endsWith('\n'))
  assert.ok(drawn.length > 0)
  for (const line of drawn) assert.ok(line.length < 60, line)
})
