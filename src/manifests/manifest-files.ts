import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { ManifestText } from './read-manifests.ts'

const ENDINGS = new Set(['.yaml', '.yml', '.json'])
const FILES_MAX = 2_000
/** Bytes of one manifest, and of one file that a manifest names. */
const BYTES_MAX = 8 * 1024 * 1024

/**
 * The manifests of a file, or of every YAML and JSON file in and below a directory, in the order of
 * their names. Files that a manifest of the directory names need not be manifests themselves.
 * @throws RingfenceError `invalid_argument` for what cannot be read, or holds no file at all
 */
export function manifestFiles(path: string): readonly ManifestText[] {
  try {
    if (!statSync(path).isDirectory()) return [textOf(path, dirname(path), new Set())]
    const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => ENDINGS.has(extname(name)) && !name.split(sep).some(isHidden))
      .toSorted()
      .map((name) => join(path, name))
      .filter((file) => statSync(file).isFile())
    if (files.length === 0) {
      throw new RingfenceError('invalid_argument', `${path}: no YAML or JSON file in it`)
    }
    if (files.length > FILES_MAX) {
      throw new RingfenceError('invalid_argument', `${path}: more than ${FILES_MAX} files`)
    }
    const named = new Set<string>()
    return files.map((file) => textOf(file, path, named))
  } catch (error) {
    if (error instanceof RingfenceError) throw error
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const why = isMissing ? 'there is no such file or directory' : messageOf(error)
    throw new RingfenceError('invalid_argument', `${path}: ${why}`)
  }
}

/** A manifest that came by no file of its own; files that it names are looked for in `root`. */
export function manifestText(file: string, text: string, root: string): ManifestText {
  return { file, text, read: readerBelow(root, root, new Set()) }
}

function textOf(file: string, root: string, named: Set<string>): ManifestText {
  return {
    file,
    text: readBounded(file).toString('utf8'),
    read: readerBelow(root, dirname(file), named),
    isNamed: () => named.has(realpathSync(file)),
  }
}

/**
 * Reads files that a manifest names, from its own directory on and nowhere outside of `root`: whoever
 * applies a manifest of somebody else's does not send its own files with it.
 */
function readerBelow(root: string, from: string, named: Set<string>): (name: string) => Buffer {
  return (name) => {
    if (isAbsolute(name)) throw new RingfenceError('invalid_argument', 'a file is named from here')
    const inside = realpathSync(root)
    let file: string
    try {
      file = realpathSync(resolve(from, name))
    } catch {
      throw new RingfenceError('invalid_argument', 'there is no such file')
    }
    const way = relative(inside, file)
    if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
      throw new RingfenceError('invalid_argument', 'a file outside of the manifests is not read')
    }
    named.add(file)
    return readBounded(file)
  }
}

function readBounded(file: string): Buffer {
  if (statSync(file).size > BYTES_MAX) {
    throw new RingfenceError('too_large', `${file}: more than ${BYTES_MAX} bytes`)
  }
  return readFileSync(file)
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules'
}
