import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Puts a file in place whole or not at all, whenever the process is killed. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await putInPlace(draft, path)
}

/** Renames, and makes the name itself survive a power failure. */
export async function putInPlace(draft: string, path: string): Promise<void> {
  await rename(draft, path)
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
