import type { Companion } from './companions.ts'
import { goProgram } from './go-program.ts'

/** A verifier of others' parts (Go's tlog and note, torchwood, Tessera), built with the machine's Go. */
export async function tlog(): Promise<Companion> {
  const name = 'tlog torchwood Tessera'
  const program = await goProgram('tlog-verifier')
  if ('missing' in program) return { name, ...program }
  return {
    name,
    file: 'test/engines/tlog.engine.ts',
    environment: { RINGFENCE_TEST_TLOG: program.path },
  }
}
