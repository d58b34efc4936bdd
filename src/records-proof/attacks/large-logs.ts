import { describeFinding, type LogFinding } from '../../transparency/log-finding.ts'
import { leafHash } from '../../transparency/merkle-hash.ts'
import { TILE_WIDTH, tilePath } from '../../transparency/tile-path.ts'
import type { Duel } from '../duel.ts'
import { filesOf, type LargeLog, largeLog, SEVERAL_TILES, treeOf } from '../house/large-log.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'
import { names } from './tampering.ts'

const write = attackOf('write')
/** In the second tile, which is full, and in the last, which is not. */
const IN_FULL = TILE_WIDTH + 44
const IN_PARTIAL = SEVERAL_TILES - 4
/** One hash for each of the full tiles below it. */
const UPPER = tilePath({ level: 1, index: 0, width: 3 })
const bundle = (index: number) => tilePath({ level: 'entries', index, width: TILE_WIDTH })
const hashes = (index: number) => tilePath({ level: 0, index, width: TILE_WIDTH })

type Files = Map<string, Buffer>

/**
 * Which entries the owner has to be told of, all of them; or that hashes are not what was signed, which is
 * said of the tiles at the end of a log together.
 */
type Told = readonly number[] | 'hashes'

/** Tampers with tiles of a log of several. The checkpoint is the one that was signed. */
function tampering(
  id: string,
  title: string,
  told: Told,
  tamper: (files: Files, log: LargeLog) => Files,
): RecordsAttack {
  return write(id, title, async (duel) => {
    const log = await largeLog(duel.plane.site, duel.victim, SEVERAL_TILES)
    must((await findingsIn(duel, log, log.files)).length === 0, 'find its log whole')
    return {
      owner: `the owner found its ${log.entries.length} entries whole`,
      attempt: async () => {
        const checkpoint = log.files.get('checkpoint') ?? Buffer.alloc(0)
        const now = tamper(new Map(log.files), log).set('checkpoint', checkpoint)
        const findings = await findingsIn(duel, log, now)
        const isTold =
          told === 'hashes'
            ? findings.some(({ kind }) => kind === 'tile')
            : told.every((entry) => findings.some((one) => names(one, entry)))
        const met = findings.map(describeFinding).join(', ').slice(0, 200)
        return { crossed: !isTold, met: isTold ? met : 'not told' }
      },
    }
  })
}

async function findingsIn(
  duel: Duel,
  { key }: LargeLog,
  files: ReadonlyMap<string, Buffer>,
): Promise<readonly LogFinding[]> {
  const { findings } = await duel.plane.verify({
    read: async (path) => files.get(path),
    keys: [key],
  })
  return findings
}

/** Another hash, or another text of the same length. */
function changed(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes)
  other[at] = (other[at] ?? 0) ^ 1
  return other
}

const altered = ({ entries }: LargeLog, at: number) =>
  entries.with(at, changed(entries[at] ?? Buffer.alloc(1), 0))

function changePlaces(files: Files, one: string, other: string): void {
  const [first, second] = [files.get(one), files.get(other)]
  if (first === undefined || second === undefined) throw new Error('no such tile')
  files.set(one, second).set(other, first)
}

export const LARGE_LOGS: readonly RecordsAttack[] = [
  tampering('rc-large-full-tile', 'Change an entry in a full tile', [IN_FULL], (_files, log) =>
    filesOf(altered(log, IN_FULL), log.levels),
  ),
  tampering(
    'rc-large-partial-tile',
    'Change an entry in a tile that is not full',
    [IN_PARTIAL],
    (_files, log) => filesOf(altered(log, IN_PARTIAL), log.levels),
  ),
  tampering(
    'rc-large-with-hash',
    'Change an entry of a full tile and its hash with it',
    [IN_FULL],
    (_files, log) => {
      const entries = altered(log, IN_FULL)
      const [leaves = [], ...upper] = log.levels
      const leaf = leafHash(entries[IN_FULL] ?? Buffer.alloc(0))
      return filesOf(entries, [leaves.with(IN_FULL, leaf), ...upper])
    },
  ),
  tampering(
    'rc-large-all-levels',
    'Change an entry of a full tile and the hashes of all levels above it',
    [IN_FULL],
    (_files, log) => {
      const entries = altered(log, IN_FULL)
      return filesOf(entries, treeOf(entries).levels)
    },
  ),
  tampering('rc-large-upper-hash', 'Change a hash of a tile of tiles', 'hashes', (files) =>
    files.set(UPPER, changed(files.get(UPPER) ?? Buffer.alloc(1), 40)),
  ),
  tampering(
    'rc-large-tiles-swapped',
    'Let two full tiles change places, entries and hashes',
    [0, IN_FULL],
    (files) => {
      changePlaces(files, bundle(0), bundle(1))
      changePlaces(files, hashes(0), hashes(1))
      return files
    },
  ),
  tampering('rc-large-bundle-lost', 'Serve no entries of a full tile', [IN_FULL], (files) => {
    files.delete(bundle(1))
    return files
  }),
]
