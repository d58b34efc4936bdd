import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { versionText } from '../../src/boundaries/postgres/server-version.ts'
import { usableBinaries } from '../../src/clusters/server-binaries.ts'
import type { Bench, Row } from '../bench.ts'
import { machineFacts } from './machine.ts'

/** One run of one bench: what `results/<name>.json` holds. */
export interface Result {
  readonly bench: string
  readonly title: string
  readonly quick: boolean
  readonly date: string
  readonly milliseconds: number
  readonly machine: Readonly<Record<string, string | number>>
  readonly rows: readonly Row[]
}

/** Runs `<name>.bench.ts` in a directory of its own, which is gone afterwards. */
export async function measure(
  name: string,
  quick: boolean,
  say: (line: string) => void,
): Promise<Result> {
  const { bench } = (await import(`../${name}.bench.ts`)) as { readonly bench: Bench }
  const directory = await mkdtemp(join(tmpdir(), 'rf-bench-'))
  // As root the servers run as another user, who must be able to pass through.
  await chmod(directory, 0o711)
  try {
    const { version } = await usableBinaries(undefined, join(directory, 'runtime'))
    const machine = { ...machineFacts(), server: versionText(version) }
    const began = performance.now()
    const rows = await bench.run({ quick, directory, say })
    return {
      bench: name,
      title: bench.title,
      quick,
      date: new Date().toISOString(),
      milliseconds: Math.round(performance.now() - began),
      machine,
      rows,
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
