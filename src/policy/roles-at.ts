/**
 * The roles that hold at a place, `ward/north/7`: those that hold everywhere, but for how places
 * differ. Of all that is said of a role the nearest place counts, and of two as near what withholds.
 * @param placed `doctor@ward/north` and `!nurse@lab`, as tokens have them
 */
export function rolesAt(
  place: string,
  roles: readonly string[],
  placed: readonly string[],
): readonly string[] {
  const nearest = new Map<string, { readonly length: number; readonly holds: boolean }>()
  for (const text of placed) {
    const holds = !text.startsWith('!')
    const at = text.indexOf('@')
    if (at < 0) continue
    const [role, where] = [text.slice(holds ? 0 : 1, at), text.slice(at + 1)]
    if (place !== where && !place.startsWith(`${where}/`)) continue
    const before = nearest.get(role)
    if (before !== undefined && before.length > where.length) continue
    if (before?.length === where.length && !before.holds) continue
    nearest.set(role, { length: where.length, holds })
  }
  const added = [...nearest].flatMap(([role, { holds }]) => (holds ? [role] : []))
  const kept = roles.filter((role) => nearest.get(role)?.holds !== false)
  return [...new Set([...kept, ...added])]
}
