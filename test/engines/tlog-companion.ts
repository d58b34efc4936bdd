import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const run = promisify(execFile)
const SOURCE = join(import.meta.dirname, 'tlog-verifier')

/** A verifier of others' parts (Go's tlog and note, torchwood, Tessera), built with the machine's Go. */
export async function tlog(): Promise<Companion> {
  const name = 'tlog torchwood Tessera'
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', 'tlog-verifier')
  const program = join(directory, 'tlog-verifier')
  const isOld = ['main.go', 'go.mod'].some(
    (file) =>
      !existsSync(program) || statSync(join(SOURCE, file)).mtimeMs > statSync(program).mtimeMs,
  )
  try {
    if (isOld) {
      mkdirSync(directory, { recursive: true })
      await run('go', ['build', '-mod=readonly', '-o', program, '.'], { cwd: SOURCE })
    }
  } catch (error) {
    return { name, missing: messageOf(error).slice(0, 200) }
  }
  return {
    name,
    file: 'test/engines/tlog.engine.ts',
    environment: { RINGFENCE_TEST_TLOG: program },
  }
}
