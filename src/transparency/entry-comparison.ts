import { compareEntries, type Placed } from './compare-entries.ts'
import type { LogFinding } from './log-finding.ts'
import { sameHash } from './merkle-hash.ts'
import { foldHashes } from './tile-nodes.ts'
import { TILE_WIDTH, tilePath } from './tile-path.ts'

/** What was read of one bundle, and of the hash tile of level 0 beside it. */
export interface ReadBundle {
  /** The index of its first entry. */
  readonly first: number
  /** How many entries are signed to be there. */
  readonly width: number
  /** The tile's hashes; none when it is not there. */
  readonly signed: readonly Uint8Array[]
  /** The hashes of the entries that are there. */
  readonly leaves: readonly Uint8Array[]
  /** The tile's root, where a tile that is vouched for names it. */
  readonly root: Uint8Array | undefined
  readonly isVouchedFor: boolean
}

/** Gathers the bundles that are not as signed, and says at the end what became of their entries. */
export class EntryComparison {
  readonly #most: number
  readonly #differing: ReadBundle[] = []
  /** Entries and tiles agree with each other, and nobody vouches for the tile. */
  readonly #unvouched: ReadBundle[] = []
  #gathered = 0
  #beyond: { readonly first: number; end: number } | undefined

  /** @param most entries that are compared one by one */
  constructor(most: number) {
    this.#most = most
  }

  add(bundle: ReadBundle): void {
    // Where neither entries nor hashes are there, nothing agrees.
    if (bundle.leaves.length > 0 && sameRow(bundle.signed, bundle.leaves)) {
      if (!bundle.isVouchedFor) this.#unvouched.push({ ...bundle, signed: [], leaves: [] })
      return
    }
    const end = bundle.first + bundle.width
    if (this.#beyond !== undefined) {
      this.#beyond.end = end
    } else if (this.#gathered + bundle.width > this.#most) {
      this.#beyond = { first: bundle.first, end }
    } else {
      this.#gathered += bundle.width
      this.#differing.push(bundle)
    }
  }

  /** The paths of tiles that are not of the entries beside them. */
  differingTiles(): readonly string[] {
    return this.#differing.map(({ first, width }) =>
      tilePath({ level: 0, index: first / TILE_WIDTH, width }),
    )
  }

  /**
   * @param size the tree's
   * @param areTilesSigned when all tiles of level 0 together make the signed root
   */
  findings(size: number, areTilesSigned: boolean): readonly LogFinding[] {
    const [signed, found]: [Placed[], Placed[]] = [[], []]
    const lost: LogFinding[] = []
    const rewritten = areTilesSigned ? [] : this.#unvouched.filter(({ root }) => root !== undefined)
    for (const bundle of this.#differing) {
      if (bundle.leaves.length === 0) {
        lost.push({ kind: 'missing', index: bundle.first, count: bundle.width })
      } else if (areTilesSigned || bundle.isVouchedFor) {
        signed.push(...placed(bundle.signed, bundle.first))
        found.push(...placed(bundle.leaves, bundle.first))
      } else if (!areAsNamed(bundle)) {
        rewritten.push(bundle)
      }
    }
    const compared = compareEntries(signed, found).filter((one) => this.#isTold(one))
    const ranges = rewritten.map(
      ({ first, width }): LogFinding => ({ kind: 'rewritten', index: first, count: width }),
    )
    return [...withoutEnd(compared, lost, size), ...joined(ranges), ...this.#tooMany()]
  }

  /** Where the comparison was given up, its last entries only seem to be lost. */
  #isTold(finding: LogFinding): boolean {
    const end = this.#beyond?.first
    return end === undefined || !('index' in finding) || finding.index < end - TILE_WIDTH
  }

  #tooMany(): LogFinding[] {
    if (this.#beyond === undefined) return []
    const { first, end } = this.#beyond
    return [{ kind: 'differing', index: first, count: end - first }]
  }
}

const placed = (hashes: readonly Uint8Array[], first: number): Placed[] =>
  hashes.map((hash, n) => ({ hash: Buffer.from(hash).toString('latin1'), index: first + n }))

function sameRow(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return (
    one.length === other.length &&
    one.every((hash, n) => {
      const beside = other[n]
      return beside !== undefined && sameHash(hash, beside)
    })
  )
}

/** Whether the entries are those whose root the tile above names: then only their own tile is wrong. */
function areAsNamed({ root, leaves, width }: ReadBundle): boolean {
  return (
    root !== undefined &&
    width === TILE_WIDTH &&
    leaves.length === width &&
    sameHash(foldHashes(Buffer.concat(leaves)), root)
  )
}

/** Entries that are lost up to the end of the tree are one finding: the log was truncated. */
function withoutEnd(
  compared: readonly LogFinding[],
  lost: readonly LogFinding[],
  size: number,
): LogFinding[] {
  const removed = new Set(compared.flatMap((one) => (one.kind === 'removed' ? [one.index] : [])))
  const ranges = joined(lost)
  const last = ranges.at(-1)
  const endsAt = last?.kind === 'missing' && last.index + last.count === size ? last.index : size
  let from = endsAt
  while (removed.has(from - 1)) from -= 1
  if (from === size) return [...compared, ...ranges]
  const others = compared.filter((one) => one.kind !== 'removed' || one.index < from)
  const before = ranges.filter((one) => one !== last || endsAt === size)
  return [...others, ...before, { kind: 'missing', index: from, count: size - from }]
}

/** Joins ranges of one kind that touch. */
function joined(ranges: readonly LogFinding[]): LogFinding[] {
  const result: LogFinding[] = []
  for (const range of ranges) {
    const last = result.at(-1)
    const touches =
      last !== undefined &&
      'count' in last &&
      'index' in last &&
      'count' in range &&
      'index' in range &&
      last.kind === range.kind &&
      last.index + last.count === range.index
    if (touches) result[result.length - 1] = { ...last, count: last.count + range.count }
    else result.push(range)
  }
  return result
}
