import type { LogFinding } from './log-finding.ts'

/** An entry by its hash, and where it stands. */
export interface Placed {
  readonly hash: string
  readonly index: number
}

/**
 * Says how a sequence of entries came from the one that was signed: which were changed, removed, moved
 * or inserted. An entry keeps its hash, and no two of a log have the same.
 */
export function compareEntries(
  signed: readonly Placed[],
  found: readonly Placed[],
): readonly LogFinding[] {
  const placeOf = new Map(signed.map(({ hash }, place) => [hash, place]))
  const places = found.map(({ hash }) => placeOf.get(hash))
  const inOrder = longestRise(places)
  const taken = new Set(inOrder.map(({ place }) => place))
  const isInOrder = new Set(inOrder.map(({ at }) => at))
  const findings: LogFinding[] = []
  for (const [at, place] of places.entries()) {
    if (place === undefined || isInOrder.has(at)) continue
    // A second copy of an entry is nobody's: only the first can be the one that was signed.
    if (taken.has(place)) places[at] = undefined
    else findings.push({ kind: 'moved', index: indexOf(signed, place), to: indexOf(found, at) })
    taken.add(place)
  }
  let [place, at] = [0, 0]
  // Between two entries that kept their order, what was lost and what is strange belong together.
  for (const anchor of [...inOrder, { place: signed.length, at: found.length }]) {
    const lost: number[] = []
    for (; place < anchor.place; place += 1) if (!taken.has(place)) lost.push(place)
    const strange: number[] = []
    for (; at < anchor.at; at += 1) if (places[at] === undefined) strange.push(at)
    for (const [n, one] of lost.entries()) {
      const kind = n < strange.length ? 'changed' : 'removed'
      findings.push({ kind, index: indexOf(signed, one) })
    }
    for (const one of strange.slice(lost.length)) {
      findings.push({ kind: 'inserted', index: indexOf(found, one) })
    }
    place = anchor.place + 1
    at = anchor.at + 1
  }
  return findings
}

const indexOf = (list: readonly Placed[], n: number) => list[n]?.index ?? n

interface Anchor {
  /** In what was signed. */
  readonly place: number
  /** In what was found. */
  readonly at: number
}

interface Tail {
  readonly anchor: Anchor
  readonly before: Tail | undefined
}

/** The longest row of found entries that stand in the order in which they were signed. */
function longestRise(places: readonly (number | undefined)[]): readonly Anchor[] {
  // Patience sorting: `tails[n]` is the rise of n + 1 entries with the least end.
  const tails: Tail[] = []
  for (const [at, place] of places.entries()) {
    if (place === undefined) continue
    let [low, high] = [0, tails.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((tails[middle]?.anchor.place ?? Infinity) < place) low = middle + 1
      else high = middle
    }
    tails[low] = { anchor: { place, at }, before: tails[low - 1] }
  }
  const rise: Anchor[] = []
  for (let tail = tails.at(-1); tail !== undefined; tail = tail.before) rise.push(tail.anchor)
  return rise.reverse()
}
