import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const run = promisify(execFile)
const VERSION = 'v1.4.2'

/** OPA's own compiler of Rego, built once with the machine's Go and kept for the next run. */
export async function opa(): Promise<Companion> {
  const name = `OPA ${VERSION}`
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', `opa-${VERSION}`)
  const program = join(directory, 'opa')
  try {
    if (!existsSync(program)) {
      mkdirSync(directory, { recursive: true })
      await run('go', ['install', `github.com/open-policy-agent/opa@${VERSION}`], {
        env: { ...process.env, GOBIN: directory, GOFLAGS: '-mod=mod' },
      })
    }
  } catch (error) {
    return { name, missing: messageOf(error).slice(0, 200) }
  }
  return { name, file: 'test/engines/opa.engine.ts', environment: { RINGFENCE_TEST_OPA: program } }
}
