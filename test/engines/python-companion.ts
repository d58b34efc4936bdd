import { execFile } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const run = promisify(execFile)

export interface PythonPackages {
  readonly name: string
  /** As pip takes them, with exact versions. */
  readonly packages: readonly string[]
  /** Of the environment, below the user's cache: another version is another directory. */
  readonly directory: string
  /** Modules that must be there afterwards: `moto, flask`. */
  readonly imports: string
  readonly file: string
  /** The environment variable by which the test is told which Python has them. */
  readonly variable: string
}

/** Packages of Python's in an environment of their own outside the checkout, kept for the next run. */
export async function pythonCompanion(wanted: PythonPackages): Promise<Companion> {
  const { name, packages, imports, file, variable } = wanted
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', wanted.directory)
  const python = join(directory, 'bin', 'python')
  // Written last: what was broken off is begun again.
  const done = join(directory, 'done')
  try {
    if (!existsSync(done)) {
      rmSync(directory, { recursive: true, force: true })
      await run('python3', ['-m', 'venv', directory])
      await run(python, ['-m', 'pip', 'install', '--quiet', ...packages])
      await run(python, ['-c', `import ${imports}`])
      writeFileSync(done, '')
    }
  } catch (error) {
    return { name, missing: `it needs python3 and PyPI: ${messageOf(error).slice(0, 200)}` }
  }
  return { name, file, environment: { [variable]: python } }
}
