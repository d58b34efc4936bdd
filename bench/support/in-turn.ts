/** One after the other, again and again. @throws RangeError for an empty list */
export function inTurn<T>(list: readonly T[]): () => T {
  let turn = 0
  return () => {
    turn = (turn + 1) % list.length
    const one = list[turn]
    if (one === undefined) throw new RangeError('an empty list')
    return one
  }
}
