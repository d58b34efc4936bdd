import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

const TESTS = /\.(?:test|test-support|fixture|d)\.\w+$/

/**
 * Hex SHA-256 of a program that is attacked, as it runs: of the names and digests of its files.
 * @param folders the parts of `src/` that it consists of
 */
export async function programDigest(folders: readonly string[]): Promise<string> {
  const root = join(import.meta.dirname, '..')
  const extension = extname(import.meta.filename)
  const lines: string[] = []
  for (const folder of folders) {
    const names = await readdir(join(root, folder), { recursive: true })
    for (const name of names.toSorted()) {
      if (extname(name) !== extension || TESTS.test(name)) continue
      lines.push(`${sha256(await readFile(join(root, folder, name)))}  ${folder}/${name}`)
    }
  }
  return sha256(lines.join('\n'))
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
