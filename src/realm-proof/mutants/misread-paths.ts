import { BASE } from '../house/ground.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { worseRequests } from './worse-front.ts'

/** A proxy that makes of a request's path what it thinks it means. */
function reading(read: (path: string) => string) {
  return worseRequests((said) => {
    const cut = said.target.search(/[?]|$/)
    return { ...said, target: `${read(said.target.slice(0, cut))}${said.target.slice(cut)}` }
  })
}

const decoded = (path: string) => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

export const MISREAD_PATHS: readonly RealmMutant[] = [
  mutant(
    'id-path-dots-resolved',
    'A proxy goes up where a path has dots',
    ['id-path-climbs'],
    reading((path) => (path.includes('%') ? path : new URL(path, BASE).pathname)),
  ),
  mutant(
    'id-path-decoded',
    'A proxy decodes a path before it is read',
    ['id-path-escaped'],
    reading((path) => new URL(decoded(path), BASE).pathname),
  ),
  mutant(
    'id-path-slashes-merged',
    'A proxy makes one slash of several',
    ['id-path-slashes'],
    reading((path) => path.replaceAll(/\/{2,}/g, '/')),
  ),
  mutant(
    'id-path-case-folded',
    'A proxy takes names of realms in any letters',
    ['id-path-case'],
    reading((path) => path.replace(/^\/realms\/[^/]*/i, (place) => place.toLowerCase())),
  ),
  mutant(
    'id-path-parameters-dropped',
    'A proxy leaves out what stands behind a semicolon',
    ['id-path-parameters'],
    reading((path) => path.replaceAll(/;[^/]*/g, '')),
  ),
]
