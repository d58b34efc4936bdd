import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const NAME = /^journal-(\d{8,})\.ndjson$/

export interface Page {
  readonly number: number
  readonly path: string
}

export function pageOf(directory: string, number: number): Page {
  return {
    number,
    path: join(directory, `journal-${String(number).padStart(8, '0')}.ndjson`),
  }
}

/** The journal's pages in the order in which they were written. */
export async function pagesOf(directory: string): Promise<readonly Page[]> {
  return (await readdir(directory))
    .flatMap((name) => {
      const number = NAME.exec(name)?.[1]
      return number === undefined ? [] : [{ number: Number(number), path: join(directory, name) }]
    })
    .toSorted((a, b) => a.number - b.number)
}

/** A name that was made, changed or removed survives a crash only after this. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
