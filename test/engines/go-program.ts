import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'

const run = promisify(execFile)

/** A program of this folder in Go, built with the machine's Go where it is newer than what was built. */
export async function goProgram(
  name: string,
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const source = join(import.meta.dirname, name)
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', name)
  const path = join(directory, name)
  const isOld = ['main.go', 'go.mod'].some(
    (file) => !existsSync(path) || statSync(join(source, file)).mtimeMs > statSync(path).mtimeMs,
  )
  try {
    if (isOld) {
      mkdirSync(directory, { recursive: true })
      await run('go', ['build', '-mod=readonly', '-o', path, '.'], { cwd: source })
    }
    return { path }
  } catch (error) {
    return { missing: messageOf(error).slice(0, 200) }
  }
}
