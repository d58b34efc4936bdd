import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

/** Of the Go module: Prometheus 3.16. */
const VERSION = 'v0.316.0'

/** Prometheus's own checker, made by Go where there is Go. The first time that takes minutes. */
export async function promtool(): Promise<Companion> {
  const name = 'Prometheus'
  const directory = join(homedir(), '.cache', 'ringfence-test', `promtool-${VERSION}`)
  try {
    if (!existsSync(join(directory, 'promtool'))) {
      const env = { ...process.env, GOBIN: directory }
      const program = `github.com/prometheus/prometheus/cmd/promtool@${VERSION}`
      await promisify(execFile)('go', ['install', program], { env })
    }
  } catch (error) {
    return { name, missing: `go install promtool: ${messageOf(error).slice(0, 200)}` }
  }
  return {
    name,
    file: 'test/engines/promtool.engine.ts',
    environment: { RINGFENCE_TEST_PROMTOOL: join(directory, 'promtool') },
  }
}
