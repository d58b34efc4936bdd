import { RingfenceError } from '../core/errors.ts'
import type { Reference } from './manifest.ts'

/** Something that is wrong with a manifest, and where. Values are not repeated: they may be secrets. */
export interface ManifestProblem {
  /** The file, and from 1 on the line and column in it. Absent where it came by no file. */
  readonly file?: string
  readonly line?: number
  readonly column?: number
  /** What it is about, once that is known. */
  readonly reference?: Reference
  /** The same in words: `Contract acme/clinic`. */
  readonly subject?: string
  /** The field: `spec.apis[0].prefix`. Empty: the whole. */
  readonly path: string
  readonly message: string
}

/** One line: `clinic.yaml:12:7: spec.apis[0].prefix: …`. */
export function problemLine({
  file,
  line,
  column,
  subject,
  path,
  message,
}: ManifestProblem): string {
  const where = file === undefined ? undefined : [file, line, column].filter(isThere).join(':')
  return [where, where === undefined ? subject : undefined, path, message]
    .filter((part) => part !== undefined && part !== '')
    .join(': ')
}

function isThere(value: unknown): boolean {
  return value !== undefined
}

/** Manifests that were not taken, with all that is wrong with them. */
export class InvalidManifests extends RingfenceError {
  readonly problems: readonly ManifestProblem[]

  constructor(problems: readonly ManifestProblem[]) {
    const [first, ...more] = problems
    const rest = more.length === 0 ? '' : ` (and ${more.length} more)`
    super('invalid_manifest', `${first === undefined ? 'not valid' : problemLine(first)}${rest}`)
    this.problems = problems
  }
}

/** A path as people write it: `spec.apis[0].prefix`. */
export function pathText(steps: readonly PropertyKey[]): string {
  return steps
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      return index === 0 ? String(step) : `.${String(step)}`
    })
    .join('')
}
