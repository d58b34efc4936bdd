import type { z } from 'zod'
import { flatIssues } from '../../manifests/flat-issues.ts'
import { keyOf, type Manifest, manifestSchema, referenceOf } from '../../manifests/manifest.ts'
import { InvalidManifests, problemLine } from '../../manifests/problem.ts'
import type { manifestForm } from './object-schemas.ts'
import { type FieldErrors, Refusal } from './refusal.ts'

const ERRORS_MAX = 100

/**
 * Reads manifests of a body, whole.
 * @param at the pointer to each, `#/objects/0`
 * @throws Refusal `invalid_manifest`, with every field that is wrong
 */
export function manifestsIn(
  forms: readonly z.output<typeof manifestForm>[],
  at: (index: number) => string,
): readonly Manifest[] {
  const errors: FieldErrors = []
  const manifests = forms.flatMap((form, index) => {
    const read = manifestSchema.safeParse(form)
    if (read.success) return [read.data]
    for (const { path, message } of flatIssues(read.error.issues)) {
      errors.push({ in: 'body', pointer: at(index) + pointerOf(path), detail: message })
    }
    return []
  })
  if (errors.length > 0) throw refusal(errors)
  return manifests
}

/**
 * Runs `work`, and says of what it finds wrong with manifests of the body where they stand in it.
 * Others are named.
 */
export async function pointing<T>(
  manifests: readonly Manifest[],
  at: (index: number) => string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof InvalidManifests)) throw error
    const keys = manifests.map((manifest) => keyOf(referenceOf(manifest)))
    throw refusal(
      error.problems.map((problem) => {
        const { reference, path, message } = problem
        const index = reference === undefined ? -1 : keys.indexOf(keyOf(reference))
        return index === -1
          ? { in: 'body', pointer: '#', detail: problemLine(problem) }
          : { in: 'body', pointer: at(index) + pointerOf(stepsOf(path)), detail: message }
      }),
    )
  }
}

function refusal(errors: FieldErrors): Refusal {
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new Refusal('invalid_manifest', `${first?.pointer}: ${first?.detail}${more}`, {
    errors: errors.slice(0, ERRORS_MAX),
  })
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100)}`)
    .join('')
}

/** `spec.apis[0].prefix`, step by step: fields of manifests have no dots and brackets in their names. */
function stepsOf(path: string): readonly string[] {
  return path.split(/[.[\]]+/).filter((step) => step !== '')
}
