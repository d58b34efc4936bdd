import { parse } from 'yaml'
import { messageOf } from '../core/errors.ts'
import { FILE_PLACES } from './from-file.ts'
import { MANIFEST_KINDS } from './kinds.ts'

/** Reads a file that a manifest names. @throws when it may not, or cannot, be read */
export type ReadBeside = (name: string) => Buffer

export interface FileProblem {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

const ALIASES_MAX = 20

/** Puts what named files hold in their places, in the manifest itself. Returns what went wrong. */
export function fillFromFiles(manifest: unknown, read: ReadBeside): readonly FileProblem[] {
  if (!isRecord(manifest) || !isRecord(manifest['spec'])) return []
  const kind = MANIFEST_KINDS.find((one) => one === manifest['kind'])
  const problems: FileProblem[] = []
  for (const { path, content } of kind === undefined ? [] : FILE_PLACES[kind]) {
    for (const place of placesOf(manifest['spec'], path, ['spec'])) {
      const { holder, key, at } = place
      try {
        const filled = filledBy(holder[key], content, read)
        if (filled !== undefined) holder[key] = filled
      } catch (error) {
        problems.push({ path: at, message: messageOf(error) })
      }
    }
  }
  return problems
}

function filledBy(value: unknown, content: string, read: ReadBeside): unknown {
  if (isRecord(value) && typeof value['file'] === 'string' && Object.keys(value).length === 1) {
    const bytes = read(value['file'])
    if (content === 'base64') return bytes.toString('base64')
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (content === 'text') return text
    const document: unknown = parse(text, { maxAliasCount: ALIASES_MAX, logLevel: 'error' })
    return content === 'document' ? document : JSON.stringify(document)
  }
  // A document may as well stand in the manifest itself.
  return content === 'json-text' && isRecord(value) ? JSON.stringify(value) : undefined
}

interface Place {
  readonly holder: Record<string, unknown>
  readonly key: string
  readonly at: readonly PropertyKey[]
}

function placesOf(
  value: unknown,
  path: readonly string[],
  at: readonly PropertyKey[],
): readonly Place[] {
  const [step, ...rest] = path
  if (step === '*') {
    return Array.isArray(value)
      ? value.flatMap((entry, index) => placesOf(entry, rest, [...at, index]))
      : []
  }
  if (step === undefined || !isRecord(value) || !Object.hasOwn(value, step)) return []
  if (rest.length === 0) return [{ holder: value, key: step, at: [...at, step] }]
  return placesOf(value[step], rest, [...at, step])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
