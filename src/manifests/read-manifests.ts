import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml'
import { messageOf } from '../core/errors.ts'
import { fillFromFiles, type ReadBeside } from './fill-from-files.ts'
import { flatIssues } from './flat-issues.ts'
import { keyOf, type Manifest, manifestSchema, referenceOf } from './manifest.ts'
import { InvalidManifests, type ManifestProblem, pathText } from './problem.ts'

/** Aliases let a small file stand for a huge one; manifests have no use for many. */
const ALIASES_MAX = 20

/** One file of manifests. */
export interface ManifestText {
  /** As problems name it. */
  readonly file: string
  readonly text: string
  /** Reads the files that its manifests name. */
  readonly read: ReadBeside
  /** True once a manifest has named this very file: then it need be none itself. */
  readonly isNamed?: () => boolean
}

/** Finds the line and column of a field, or of the nearest thing around it that is there. */
type Locate = (path: readonly PropertyKey[]) => Pick<ManifestProblem, 'line' | 'column'>

/** A manifest and where it is written. */
export interface LocatedManifest {
  readonly manifest: Manifest
  readonly file: string
  readonly locate: Locate
}

/**
 * Reads files of manifests, each with any number of YAML documents, or JSON, each of them a manifest
 * or a list of some. All or nothing.
 * @throws InvalidManifests with everything that is wrong, by file, line and field
 */
export function readManifests(texts: readonly ManifestText[]): readonly LocatedManifest[] {
  const read = texts.map((text) => ({ text, documents: documentsOf(text) }))
  const found = read.flatMap(({ documents }) => documents.filter((one) => 'manifest' in one))
  const problems = read.flatMap(({ text, documents }) =>
    text.isNamed?.() === true
      ? []
      : documents.flatMap((one) => ('problems' in one ? one.problems : [])),
  )
  problems.push(...repeated(found))
  if (problems.length > 0) throw new InvalidManifests(problems)
  return found
}

type Read = LocatedManifest | { readonly problems: readonly ManifestProblem[] }

function documentsOf({ file, text, read }: ManifestText): readonly Read[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
  })
  return [...documents].flatMap((document): Read[] => {
    const wrong = [...document.errors, ...document.warnings].map((error) => ({
      file,
      ...positionIn(lines, error.pos[0]),
      path: '',
      message: `not YAML: ${messageOf(error)}`,
    }))
    if (wrong.length > 0) return [{ problems: wrong }]
    const locate: Locate = (path) => positionIn(lines, offsetOf(document, path))
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAX })
    } catch (error) {
      return [{ problems: [{ file, ...locate([]), path: '', message: messageOf(error) }] }]
    }
    if (value === null) return []
    if (!Array.isArray(value)) return [manifestIn(value, file, locate, read)]
    // As `get -o json` writes several.
    return value.map((one: unknown, index) =>
      manifestIn(one, file, (path) => locate([index, ...path]), read),
    )
  })
}

function manifestIn(value: unknown, file: string, locate: Locate, read: ReadBeside): Read {
  const unread = fillFromFiles(value, read)
  const result = manifestSchema.safeParse(value)
  const issues = [
    ...unread,
    ...(result.success || unread.length > 0 ? [] : flatIssues(result.error.issues)),
  ]
  if (result.success && issues.length === 0) return { manifest: result.data, file, locate }
  return {
    problems: issues.map(({ path, message }) => ({
      file,
      ...locate(path),
      path: pathText(path),
      message,
    })),
  }
}

function repeated(found: readonly LocatedManifest[]): readonly ManifestProblem[] {
  const first = new Map<string, LocatedManifest>()
  return found.flatMap((one) => {
    const key = keyOf(referenceOf(one.manifest))
    const before = first.get(key)
    if (before === undefined) {
      first.set(key, one)
      return []
    }
    const { line } = before.locate([])
    const message = `it is in ${before.file}, line ${line ?? 1}, already`
    return [{ file: one.file, ...one.locate(['metadata', 'name']), path: 'metadata.name', message }]
  })
}

/** Where the field begins, or what is around it. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? document.range?.[0] ?? 0
}

function positionIn(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}
