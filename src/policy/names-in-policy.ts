/** Every name of an entity in a policy's JSON form, wherever it stands. */
export function entityNamesIn(
  json: unknown,
): readonly { readonly type: string; readonly id: string }[] {
  const found: { readonly type: string; readonly id: string }[] = []
  const open: unknown[] = [json]
  while (open.length > 0) {
    const one = open.pop()
    if (typeof one !== 'object' || one === null) continue
    if (
      'type' in one &&
      'id' in one &&
      typeof one.type === 'string' &&
      typeof one.id === 'string'
    ) {
      found.push({ type: one.type, id: one.id })
    }
    open.push(...(Object.values(one) as readonly unknown[]))
  }
  return found
}
