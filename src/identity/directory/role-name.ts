import { RingfenceError } from '../../core/errors.ts'

declare const roleBrand: unique symbol
declare const placeBrand: unique symbol
/** A role of one tenant, `doctor`. */
export type RoleName = string & { readonly [roleBrand]: true }
/** Where a role holds: the empty place is all of the tenant, `ward/north` that part and what is below it. */
export type Place = string & { readonly [placeBrand]: true }

export const EVERYWHERE = '' as Place
const PLACE_MAX = 200

/** @throws RingfenceError `invalid_argument` */
export function parseRoleName(value: unknown): RoleName {
  if (typeof value === 'string' && /^[a-z][a-z0-9:._-]{0,99}$/.test(value)) return value as RoleName
  throw new RingfenceError(
    'invalid_argument',
    'a role has 1 to 100 characters of a-z, 0-9 and :._- like ward-doctor, a letter first',
  )
}

/** @throws RingfenceError `invalid_argument` */
export function parsePlace(value: unknown): Place {
  const wellFormed =
    typeof value === 'string' && /^(?:[a-z0-9_-]+(?:\/[a-z0-9_-]+){0,15})?$/.test(value)
  if (wellFormed && value.length <= PLACE_MAX) return value as Place
  throw new RingfenceError('invalid_argument', 'a place is like ward/north, at most 16 steps')
}

/** The place itself and those that it is in, the nearest first. */
export function placesAround(place: Place): readonly Place[] {
  if (place === EVERYWHERE) return [EVERYWHERE]
  const outer = place.slice(0, Math.max(0, place.lastIndexOf('/'))) as Place
  return [place, ...placesAround(outer)]
}
