import { execFile } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const run = promisify(execFile)
const VERSION = '0.5.2'

/** Python's scim2-tester, in an environment of its own outside the checkout, kept for the next run. */
export async function scimTester(): Promise<Companion> {
  const name = `scim2-tester ${VERSION}`
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', `scim2-tester-${VERSION}`)
  const python = join(directory, 'bin', 'python')
  // Written last: what was broken off is begun again.
  const done = join(directory, 'done')
  try {
    if (!existsSync(done)) {
      rmSync(directory, { recursive: true, force: true })
      await run('python3', ['-m', 'venv', directory])
      await run(python, ['-m', 'pip', 'install', '--quiet', `scim2-tester[httpx2]==${VERSION}`])
      await run(python, ['-c', 'import scim2_tester, httpx2'])
      writeFileSync(done, '')
    }
  } catch (error) {
    return { name, missing: `it needs python3 and PyPI: ${messageOf(error).slice(0, 200)}` }
  }
  return {
    name,
    file: 'test/engines/scim-tester.engine.ts',
    environment: { RINGFENCE_TEST_SCIM_PYTHON: python },
  }
}
