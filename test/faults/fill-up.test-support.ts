import type { Journal } from '../../src/journal/journal.ts'

const OUTCOMES = [() => true, () => false] as const

/** Fills the room behind a file's end that belongs to it already, on a disk that has no other. */
export async function fillUp(journal: Journal): Promise<void> {
  const fits = () => journal.append([{ kind: 'mended', value: {} }]).then(...OUTCOMES)
  while (await fits());
}
