import { RingfenceError } from '../core/errors.ts'
import type { Unit } from './unit.ts'

/**
 * The units so that each comes after those it depends on.
 * @throws RingfenceError `invalid_argument` for a name used twice, an unknown one, or a circle
 */
export function orderUnits(units: readonly Unit[]): readonly Unit[] {
  const byName = new Map(units.map((unit) => [unit.name, unit]))
  if (byName.size < units.length) refuse('two units have the same name')
  const ordered = new Set<Unit>()
  const visit = (unit: Unit, path: readonly string[]): void => {
    if (path.includes(unit.name)) refuse(`units depend on each other: ${path.join(' → ')}`)
    for (const name of unit.dependsOn ?? []) {
      const dependency = byName.get(name) ?? refuse(`unit ${unit.name} depends on unknown ${name}`)
      visit(dependency, [...path, unit.name])
    }
    ordered.add(unit)
  }
  for (const unit of units) visit(unit, [])
  return [...ordered]
}

function refuse(message: string): never {
  throw new RingfenceError('invalid_argument', message)
}
