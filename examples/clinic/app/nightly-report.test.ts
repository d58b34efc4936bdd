import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { parseTenantId } from '../../../src/core/tenant.ts'
import {
  leaseAnswer,
  startTestPlatform,
  type TestPlatform,
} from '../../../src/sdk/platform.test-support.ts'
import { loadTenantData } from '../data/load-tenant-data.ts'
import {
  type ClinicCell,
  type ClinicTenant,
  startClinicCell,
} from '../test-support/clinic-cell.test-support.ts'

const GONE = parseTenantId('gone-practice')

let cell: ClinicCell
let platform: TestPlatform
let tenants: ClinicTenant[]
let listed: () => readonly ClinicTenant['id'][]

before(async () => {
  cell = await startClinicCell()
  const admin = await cell.client()
  const harbor = await cell.addTenant('harbor-clinic')
  const northmere = await cell.addTenant('northmere-hospitals')
  await loadTenantData(admin, harbor.key, { seed: 11, appointments: 120, sites: 2 })
  await loadTenantData(admin, northmere.key, { seed: 17, appointments: 200, sites: 3 })
  tenants = [harbor, northmere]
  platform = await startTestPlatform({
    tenants: () => listed(),
    lease({ tenant, scope, kind }) {
      const own = tenants.find(({ id }) => id === tenant)
      if (own === undefined || kind !== 'job' || scope !== 'read') {
        return { status: 400, body: { error: 'invalid_grant' } }
      }
      return leaseAnswer(tenant, 900, own.logins.read)
    },
  })
})
after(async () => {
  await platform?.close()
  await cell?.stop()
})

async function run(environment: Readonly<Record<string, string>>) {
  const report = spawn(process.execPath, [join(import.meta.dirname, 'nightly-report.ts')], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors, [code]] = await Promise.all([
    text(report.stdout),
    text(report.stderr),
    once(report, 'exit'),
  ])
  return {
    lines: output
      .split('\n')
      .filter((line) => line !== '')
      .toSorted(),
    errors,
    code,
  }
}

test('the report over "all" rows counts for each tenant its own, by job contexts', async () => {
  listed = () => tenants.map(({ id }) => id)
  assert.deepEqual(await run(platform.environment), {
    lines: [
      'harbor-clinic: 120 appointments at 2 sites',
      'northmere-hospitals: 200 appointments at 3 sites',
    ],
    errors: '',
    code: 0,
  })
})

test('a tenant without a lease does not keep the others from their report, and is named', async () => {
  listed = () => [GONE, ...tenants.map(({ id }) => id)]
  const { lines, errors, code } = await run(platform.environment)
  assert.equal(lines.length, 2)
  assert.equal(errors, `${GONE}: no report\n`)
  assert.equal(code, 1)
})

test('without an address of the control plane it says so in one line', async () => {
  const { RINGFENCE_CONTROL: _, RINGFENCE_CONTROL_AUDIENCE: __, ...rest } = platform.environment
  const { errors, code } = await run(rest)
  assert.match(errors, /^clinic: .+\n$/)
  assert.equal(code, 2)
})
