/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256

/** One resource of C2SP tlog-tiles, below a log's prefix. */
export interface Tile {
  /** 0 to 63, or that of entries. */
  readonly level: number | 'entries'
  readonly index: number
  /** 1 to 256. Below 256 it is a partial tile. */
  readonly width: number
}

const PATH = /^tile\/(0|[1-9]\d?|entries)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/
/** Beyond it, a number is not exact any more. 5 elements hold 10^15. */
const ELEMENTS_MAX = 5
const LEVEL_MAX = 63

/** `tile/0/x001/x234/067`, `tile/entries/000.p/5`. */
export function tilePath({ level, index, width }: Tile): string {
  const last = String(index % 1_000).padStart(3, '0')
  let path = last
  for (let rest = Math.floor(index / 1_000); rest > 0; rest = Math.floor(rest / 1_000)) {
    path = `x${String(rest % 1_000).padStart(3, '0')}/${path}`
  }
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** Undefined for what is not the one right path of a tile. */
export function parseTilePath(path: string): Tile | undefined {
  const [, level, elements, width] = PATH.exec(path) ?? []
  if (level === undefined || elements === undefined) return undefined
  const numbers = elements.replaceAll('x', '').split('/')
  if (numbers.length > ELEMENTS_MAX) return undefined
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(numbers.join('')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  }
  if (width !== undefined && tile.width >= TILE_WIDTH) return undefined
  if (tile.level !== 'entries' && tile.level > LEVEL_MAX) return undefined
  return tilePath(tile) === path ? tile : undefined
}

/** How many hashes level `level` of a tree has. */
export function levelSize(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/** How wide a tile is in a tree of `size` leaves. 0 when it is not there. */
export function widthAt(level: number | 'entries', index: number, size: number): number {
  const hashes = levelSize(level === 'entries' ? 0 : level, size)
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** All tiles and bundles that a tree of `size` leaves has, without partial ones of smaller trees. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let level = 0; levelSize(level, size) > 0; level += 1) {
    for (let index = 0; index * TILE_WIDTH < levelSize(level, size); index += 1) {
      yield { level, index, width: widthAt(level, index, size) }
    }
  }
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    yield { level: 'entries', index, width: widthAt('entries', index, size) }
  }
}
