import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type ScimSite, startScimSite } from '../../src/identity/scim/scim-site.test-support.ts'

const PYTHON = process.env['RINGFENCE_TEST_SCIM_PYTHON'] ?? 'python3'
const SCRIPT = join(import.meta.dirname, 'scim-tester.py')
/** What it checks of each kind of resource and of discovery; fewer, and it has not looked. */
const CHECKS_MIN = 30

interface Result {
  readonly status: string
  readonly title: string
  readonly about: string | null
  readonly reason: string | null
}

let site: ScimSite
before(async () => {
  site = await startScimSite()
})
after(() => site.stop())

for (const emailsVerified of [false, true]) {
  test(`scim2-tester finds nothing wrong (addresses verified: ${emailsVerified})`, async () => {
    const source = await site.source(emailsVerified ? 'trusted' : 'acme', { emailsVerified })
    const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, source.url], {
      env: { ...process.env, SCIM_TOKEN: source.secret },
      maxBuffer: 16 * 1024 * 1024,
    })
    const lines = stdout.split('\n').filter((line) => line !== '')
    const results = lines.map((line) => JSON.parse(line) as Result)
    const wrong = results.filter((one) => one.status !== 'SUCCESS' && !isStated(one))
    assert.deepEqual(wrong, [])
    assert.ok(results.length >= CHECKS_MIN, `it made ${results.length} checks`)
  })
}

/** What docs/scim.md says: no search over several kinds at once, and an only address is the primary one. */
function isStated({ status, reason }: Result): boolean {
  if (status === 'SKIPPED') return reason?.startsWith('POST /.search:') === true
  const [said, sent, shown] = (reason ?? '').replace(/primary=(?:True|False)/g, '').split('\n')
  return (
    said?.includes("unexpected value for 'emails'") === true &&
    sent?.startsWith('Patched value: [') === true &&
    shown === sent.replace('Patched', 'Returned')
  )
}
