import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const VERSION = 'v2.8.0'
const PROGRAMS = ['pebble', 'pebble-challtestsrv']

/** Pebble, an authority of certificates for tests, and its name server: made by Go where there is Go. */
export async function acme(): Promise<Companion> {
  const name = 'ACME'
  const directory = join(homedir(), '.cache', 'ringfence-test', `pebble-${VERSION}`)
  const there = () => PROGRAMS.every((program) => existsSync(join(directory, program)))
  try {
    if (!there()) {
      const packages = PROGRAMS.map(
        (one) => `github.com/letsencrypt/pebble/v2/cmd/${one}@${VERSION}`,
      )
      const env = { ...process.env, GOBIN: directory }
      for (const one of packages) await promisify(execFile)('go', ['install', one], { env })
    }
  } catch (error) {
    return { name, missing: `go install pebble: ${messageOf(error).slice(0, 200)}` }
  }
  return {
    name,
    file: 'test/engines/acme.engine.ts',
    environment: { RINGFENCE_TEST_PEBBLE: directory },
  }
}
