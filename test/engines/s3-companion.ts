import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const VERSION = 'v1.8.0'

/** Versity's S3 gateway before a directory, made by Go where there is Go. The first time that takes minutes. */
export async function s3(): Promise<Companion> {
  const name = 'S3'
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', `versitygw-${VERSION}`)
  const server = join(directory, 'versitygw')
  try {
    if (!existsSync(server)) {
      const env = { ...process.env, GOBIN: directory }
      const program = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`
      await promisify(execFile)('go', ['install', program], { env })
    }
  } catch (error) {
    return { name, missing: `go install versitygw: ${messageOf(error).slice(0, 200)}` }
  }
  return { name, file: 'test/engines/s3.engine.ts', environment: { RINGFENCE_TEST_S3: server } }
}
