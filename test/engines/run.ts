// Runs the boundary's tests against every PostgreSQL that there is to get, and the SDK's with programs
// that applications use beside it. Arguments limit it to those whose names have one of them as a word:
// `node test/engines/run.ts 14 PgBouncer`.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { findCompanions } from './companions.ts'
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
const isWanted = ({ name }: { readonly name: string }) =>
  wanted.length === 0 || wanted.some((word) => name.split(' ').includes(word))
const summary: string[] = []
let failed = false

for (const engine of (await findEngines()).filter(isWanted)) {
  if ('missing' in engine) notTested(engine.name, engine.missing)
  else {
    console.log(`\n── ${engine.name}\n   ${engine.binaries}`)
    tested(engine.name, await runTests(FILES, { RINGFENCE_TEST_BINARIES: engine.binaries }))
  }
}
for (const companion of (await findCompanions()).filter(isWanted)) {
  if ('missing' in companion) notTested(companion.name, companion.missing)
  else {
    console.log(`\n── ${companion.name}`)
    tested(companion.name, await runTests([companion.file], companion.environment))
  }
}
console.log(`\n${summary.join('\n')}`)
if (failed || summary.length === 0) process.exitCode = 1

function notTested(name: string, why: string): void {
  summary.push(`not tested  ${name}: ${why}`)
}

function tested(name: string, passed: boolean): void {
  failed ||= !passed
  summary.push(`${passed ? 'passed    ' : 'FAILED    '}  ${name}`)
}

function runTests(
  files: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<boolean> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-concurrency=1', '--test-reporter=dot', ...files],
    {
      cwd: join(import.meta.dirname, '..', '..'),
      env: { ...process.env, ...environment },
      stdio: 'inherit',
    },
  )
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code === 0))
  })
}
