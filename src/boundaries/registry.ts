import { RingfenceError } from '../core/errors.ts'
import type { CellOptions, OpenCell, OpenProving, ProvingOptions } from './cell.ts'
import { openPostgresCell } from './postgres/open-cell.ts'
import { openPostgresProving } from './postgres/open-proving.ts'

interface Engine {
  openCell(options: CellOptions): Promise<OpenCell>
  openProving(options: ProvingOptions): Promise<OpenProving>
}

/** Every engine that there is. This is the only file outside an engine's folder that knows it. */
const ENGINES: Readonly<Record<string, Engine>> = {
  postgres: { openCell: openPostgresCell, openProving: openPostgresProving },
}

export const ENGINE_NAMES: readonly string[] = Object.keys(ENGINES)

/** @throws RingfenceError `invalid_argument` for an engine that there is not. */
export function engine(name: string): Engine {
  const found = ENGINES[name]
  if (found === undefined) {
    throw new RingfenceError('invalid_argument', `an engine is one of ${ENGINE_NAMES.join(', ')}`)
  }
  return found
}
