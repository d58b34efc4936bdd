/** One round's latencies, in the unit that the bench chose. */
export type Round = () => Promise<readonly number[]>

/**
 * Runs each of `variants` once a round, in turn forwards and backwards, so that whatever else the
 * machine does in the meantime disturbs all of them alike. Returns each variant's latencies by round.
 */
export async function alternate<K extends string>(
  rounds: number,
  variants: Readonly<Record<K, Round>>,
): Promise<Record<K, (readonly number[])[]>> {
  const names = Object.keys(variants) as K[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    K,
    (readonly number[])[]
  >
  for (let round = 0; round < rounds; round += 1) {
    for (const name of thereAndBack(names, round)) {
      results[name].push(await variants[name]())
    }
  }
  return results
}

/** Forwards in even rounds and backwards in odd ones. */
export function thereAndBack<T>(all: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? all : all.toReversed()
}

/** Each client asks again as soon as it has its answer, for `ms` milliseconds. In microseconds. */
export async function closedLoop(
  clients: readonly (() => Promise<unknown>)[],
  ms: number,
): Promise<readonly number[]> {
  const latencies: number[] = []
  const end = performance.now() + ms
  await Promise.all(
    clients.map(async (ask) => {
      for (let began = performance.now(); began < end; began = performance.now()) {
        await ask()
        latencies.push((performance.now() - began) * 1000)
      }
    }),
  )
  return latencies
}
