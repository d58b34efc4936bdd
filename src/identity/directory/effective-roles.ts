import { EVERYWHERE, type Place, placesAround } from './role-name.ts'

/** A role given or taken at a place, to a user or to one of its groups. */
export interface Binding {
  readonly role: string
  readonly place: Place
  readonly effect: 'grant' | 'withhold'
}

/** The junior roles that a role brings. */
export type Includes = ReadonlyMap<string, readonly string[]>

/**
 * The roles that hold at a place. Of all bindings of one role the nearest counts, of two as near
 * the one that withholds. What is granted brings its junior roles, but none that is withheld there,
 * nor what only that one would bring.
 */
export function effectiveRoles(
  bindings: readonly Binding[],
  includes: Includes,
  place: Place,
): ReadonlySet<string> {
  const decided = new Map<string, Binding['effect']>()
  for (const near of placesAround(place)) {
    const here = bindings.filter((binding) => binding.place === near && !decided.has(binding.role))
    for (const { role, effect } of here) {
      if (decided.get(role) !== 'withhold') decided.set(role, effect)
    }
  }
  const held = new Set<string>()
  const visit = (role: string) => {
    if (held.has(role) || decided.get(role) === 'withhold') return
    held.add(role)
    for (const junior of includes.get(role) ?? []) visit(junior)
  }
  for (const [role, effect] of decided) if (effect === 'grant') visit(role)
  return held
}

/**
 * How places differ from the place around them, as `role@place` and `!role@place`, sorted. Of all
 * entries about a role, the one for the nearest place says whether it holds; without one, it holds
 * where it holds everywhere.
 */
export function placedRoles(bindings: readonly Binding[], includes: Includes): readonly string[] {
  const places = new Set(bindings.map(({ place }) => place).filter((at) => at !== EVERYWHERE))
  const entries: string[] = []
  for (const place of places) {
    const around = placesAround(place).find((at) => at !== place && places.has(at)) ?? EVERYWHERE
    const here = effectiveRoles(bindings, includes, place)
    const there = effectiveRoles(bindings, includes, around)
    for (const role of here) if (!there.has(role)) entries.push(`${role}@${place}`)
    for (const role of there) if (!here.has(role)) entries.push(`!${role}@${place}`)
  }
  return entries.sort()
}

/** Whether a role holds at a place, from what an access token carries. */
export function holdsAt(
  roles: readonly string[],
  placed: readonly string[],
  role: string,
  place: Place,
): boolean {
  const entries = new Set(placed)
  for (const near of placesAround(place)) {
    if (entries.has(`!${role}@${near}`)) return false
    if (entries.has(`${role}@${near}`)) return true
  }
  return roles.includes(role)
}
