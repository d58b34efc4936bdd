import type { z } from 'zod'

type Issue = z.core.$ZodIssue

interface FlatIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** What is wrong, field by field: unknown fields by their own names, unions by their nearest form. */
export function flatIssues(issues: readonly Issue[]): readonly FlatIssue[] {
  return issues.flatMap((issue) => flat(issue))
}

function flat(issue: Issue): readonly FlatIssue[] {
  const { path, message } = issue
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'there is no such field' }))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The form that fits best is the one that was meant.
    const [nearest] = issue.errors.toSorted(
      (a, b) => depthOf(b) - depthOf(a) || a.length - b.length,
    )
    if (nearest !== undefined && depthOf(nearest) > 0) {
      return flatIssues(nearest).map((one) => ({ ...one, path: [...path, ...one.path] }))
    }
    const all = issue.errors.flatMap((errors) => errors.map((error) => error.message))
    return [{ path, message: [...new Set(all)].join(', or ') }]
  }
  return [{ path, message }]
}

function depthOf(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map(({ path }) => path.length))
}
