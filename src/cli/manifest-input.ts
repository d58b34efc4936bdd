import { readFileSync } from 'node:fs'
import { ApiRefusal } from './control-client.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { manifestFiles, manifestText } from '../manifests/manifest-files.ts'
import { InvalidManifests, type ManifestProblem, problemLine } from '../manifests/problem.ts'
import { type LocatedManifest, readManifests } from '../manifests/read-manifests.ts'
import type { Console } from './console.ts'

const STDIN = '-'

/**
 * The manifests of files, of directories, and of standard input. Everything that is wrong with them is
 * written, a line each.
 * @throws RingfenceError `invalid_manifest`, `invalid_argument`
 */
export function manifestsFrom(
  paths: readonly string[],
  console: Console,
): readonly LocatedManifest[] {
  const found = readAll(paths, console)
  if (found.length > 0) return found
  // With --prune an empty file would remove the whole set.
  throw new RingfenceError('invalid_argument', `${paths.join(', ')}: there is no manifest in it`)
}

function readAll(paths: readonly string[], console: Console): readonly LocatedManifest[] {
  try {
    return readManifests(
      paths.flatMap((path) => (path === STDIN ? [fromStdin()] : manifestFiles(path))),
    )
  } catch (error) {
    if (!(error instanceof InvalidManifests)) throw error
    throw told(error.problems, console)
  }
}

/** Runs `work`, and says of what the control plane finds wrong in which file and line it stands. */
export async function locating<T>(
  manifests: readonly LocatedManifest[],
  console: Console,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.errors.length === 0) throw error
    throw told(
      error.errors.map(({ pointer, detail }) => located(manifests, pointer, detail)),
      console,
    )
  }
}

/** `#/objects/2/spec/apis/0/prefix`, where it was written. */
function located(
  manifests: readonly LocatedManifest[],
  pointer: string,
  message: string,
): ManifestProblem {
  const [, index = '', ...steps] = pointer.replace(/^#\//, '').split('/')
  const manifest = pointer.startsWith('#/objects/') ? manifests[Number(index)] : undefined
  if (manifest === undefined) return { path: '', message }
  const path = steps.map((step) => (/^\d+$/.test(step) ? Number(step) : unescaped(step)))
  return {
    file: manifest.file,
    ...manifest.locate(path),
    path: path
      .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
      .join('')
      .slice(1),
    message,
  }
}

/** RFC 6901, section 4. */
function unescaped(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

function told(problems: readonly ManifestProblem[], console: Console): RingfenceError {
  const [only] = problems
  if (problems.length === 1 && only !== undefined) {
    return new RingfenceError('invalid_manifest', problemLine(only))
  }
  for (const problem of problems) console.err(`${problemLine(problem)}\n`)
  return new RingfenceError('invalid_manifest', `${problems.length} problems: nothing was changed`)
}

function fromStdin() {
  try {
    return manifestText('standard input', readFileSync(0, 'utf8'), process.cwd())
  } catch (error) {
    throw new RingfenceError('invalid_argument', `standard input: ${messageOf(error)}`)
  }
}
