// Runs the boundary's tests against every PostgreSQL that there is to get. Arguments limit it to the
// engines whose names have one of them as a word: `node test/engines/run.ts 14 npm's`.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { findEngines } from './engine-binaries.ts'

const POSTGRES = 'src/boundaries/postgres'
const FILES: readonly string[] = [
  `${POSTGRES}/postgres-conformance.test.ts`,
  'test/engines/external.engine.ts',
  'test/engines/attacks.engine.ts',
  `${POSTGRES}/install/install.test.ts`,
  `${POSTGRES}/install/login-hook.test.ts`,
  `${POSTGRES}/application/grants.test.ts`,
  `${POSTGRES}/application/migrations.test.ts`,
  `${POSTGRES}/leases/custodian.test.ts`,
  `${POSTGRES}/leases/custodian-rights.test.ts`,
  `${POSTGRES}/leases/revocation.test.ts`,
  `${POSTGRES}/leases/watchdog-server.test.ts`,
  `${POSTGRES}/export.test.ts`,
  `${POSTGRES}/erase.test.ts`,
  `${POSTGRES}/postgres-boundary.test.ts`,
]

const wanted = process.argv.slice(2)
const engines = (await findEngines()).filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.split(' ').includes(word)),
)
const summary: string[] = []
let failed = false
for (const engine of engines) {
  if ('missing' in engine) {
    summary.push(`not tested  ${engine.name}: ${engine.missing}`)
    continue
  }
  console.log(`\n── ${engine.name}\n   ${engine.binaries}`)
  const passed = await runTests(engine.binaries)
  failed ||= !passed
  summary.push(`${passed ? 'passed    ' : 'FAILED    '}  ${engine.name}`)
}
console.log(`\n${summary.join('\n')}`)
if (failed || summary.length === 0) process.exitCode = 1

function runTests(binaries: string): Promise<boolean> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-concurrency=1', '--test-reporter=dot', ...FILES],
    {
      cwd: join(import.meta.dirname, '..', '..'),
      env: { ...process.env, RINGFENCE_TEST_BINARIES: binaries },
      stdio: 'inherit',
    },
  )
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code === 0))
  })
}
