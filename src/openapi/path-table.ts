import { unusable } from './document.ts'

/** A part of a path between two slashes: as it stands there, or with one parameter in it. */
interface Segment {
  readonly before: string
  /** Undefined when there is no parameter: then `before` is all of it. */
  readonly parameter: string | undefined
  readonly after: string
}

interface Entry<T> {
  readonly segments: readonly Segment[]
  readonly value: T
}

export interface PathMatch<T> {
  readonly value: T
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * Which path of a document a request has. Services differ in how forgiving they are: in letters'
 * case, in what they decode, in what they cut off. A path that one of them could take for another
 * path of the document is no path of it.
 */
export class PathTable<T> {
  /** By number of segments, the most particular first. */
  readonly #entries = new Map<number, Entry<T>[]>()

  constructor(paths: readonly (readonly [template: string, value: T])[]) {
    const seen = new Set<string>()
    for (const [template, value] of paths) {
      const segments = segmentsOf(template)
      const shape = segments
        .map(({ before, parameter, after }) =>
          parameter === undefined ? before : `${before}{}${after}`,
        )
        .join('/')
        .toLowerCase()
      if (seen.has(shape)) throw unusable(template, 'is there twice')
      seen.add(shape)
      const same = this.#entries.get(segments.length) ?? []
      this.#entries.set(segments.length, [...same, { segments, value }].sort(byParticularity))
    }
  }

  /** @param path from the API's prefix on, still encoded */
  match(path: string): PathMatch<T> | undefined {
    const parts = path.slice(1).split('/').map(decoded)
    for (const { segments, value } of this.#entries.get(parts.length) ?? []) {
      const found = matchOf(segments, parts)
      // Another spelling of a path that is there.
      if (found === 'almost') return undefined
      if (found !== undefined) return { value, parameters: found }
    }
    return undefined
  }
}

function matchOf(
  segments: readonly Segment[],
  parts: readonly (string | undefined)[],
): 'almost' | Readonly<Record<string, string>> | undefined {
  const parameters: Record<string, string> = Object.create(null)
  let isExact = true
  for (const [index, { before, parameter, after }] of segments.entries()) {
    const part = parts[index]
    if (part === undefined) return undefined
    if (parameter === undefined) {
      if (part === before) continue
      if (part.toLowerCase() !== before.toLowerCase()) return undefined
      isExact = false
      continue
    }
    if (part.length <= before.length + after.length) return undefined
    if (!part.startsWith(before) || !part.endsWith(after)) return undefined
    parameters[parameter] = part.slice(before.length, part.length - after.length)
  }
  return isExact ? parameters : 'almost'
}

/** Undefined for what can be read in two ways. `;` begins what some servers cut off. */
function decoded(part: string): string | undefined {
  if (part.includes(';')) return undefined
  if (!part.includes('%')) return part
  try {
    const text = decodeURIComponent(part)
    return /[/\\;]|\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

const SEGMENT = /^([^{}]*)(?:\{([^{}/]{1,100})\}([^{}]*))?$/

function segmentsOf(template: string): readonly Segment[] {
  if (!template.startsWith('/')) throw unusable(template, 'is not a path')
  const names = new Set<string>()
  return template
    .slice(1)
    .split('/')
    .map((part): Segment => {
      const [whole, before = '', parameter, after = ''] = SEGMENT.exec(part) ?? []
      if (whole === undefined || /[?#%;\\]/.test(before + after)) {
        throw unusable(template, 'has a segment that is not supported')
      }
      if (parameter !== undefined && names.has(parameter)) {
        throw unusable(template, 'names a parameter twice')
      }
      if (parameter !== undefined) names.add(parameter)
      return { before, parameter, after }
    })
}

/** A segment without a parameter goes before one with, from the left. */
function byParticularity<T>(a: Entry<T>, b: Entry<T>): number {
  for (const [index, one] of a.segments.entries()) {
    const other = b.segments[index]
    const difference = weightOf(other) - weightOf(one)
    if (difference !== 0) return difference
  }
  return 0
}

function weightOf(segment: Segment | undefined): number {
  if (segment?.parameter === undefined) return 1_000
  return segment.before.length + segment.after.length
}
