import { isDeepStrictEqual } from 'node:util'

/** One place at which two values differ. What was not there before, or is not any more, is absent. */
export interface Difference {
  /** `apis[clinic].prefix`; entries of lists go by their names or ids where they have them. */
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

/** Where two JSON values differ, in the order of the first, then the second. */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (isDeepStrictEqual(before, after)) return []
  const [old, now] = [childrenOf(before), childrenOf(after)]
  if (old === undefined || now === undefined || old.list !== now.list) {
    return [
      {
        path,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      },
    ]
  }
  const names = new Set([...old.children.keys(), ...now.children.keys()])
  const inside = [...names].flatMap((name) =>
    differences(old.children.get(name), now.children.get(name), stepTo(path, name, old.list)),
  )
  // The same entries in another order.
  return inside.length > 0 ? inside : [{ path, before, after }]
}

interface Children {
  readonly list: boolean
  readonly children: ReadonlyMap<string, unknown>
}

function childrenOf(value: unknown): Children | undefined {
  if (Array.isArray(value)) {
    const entries = value as readonly unknown[]
    const names = entries.map(nameOf)
    const named = names.every((name) => name !== undefined) && new Set(names).size === names.length
    return {
      list: true,
      children: new Map(
        entries.map((entry, index) => [(named ? names[index] : undefined) ?? String(index), entry]),
      ),
    }
  }
  if (typeof value !== 'object' || value === null) return undefined
  return { list: false, children: new Map(Object.entries(value)) }
}

/** An entry's own name, so that one that was put in before it does not make it another. */
function nameOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  for (const key of ['name', 'id', 'url'] as const) {
    const value: unknown = Reflect.get(entry, key)
    if (typeof value === 'string') return value
  }
  return undefined
}

function stepTo(path: string, name: string, list: boolean): string {
  if (list) return `${path}[${name}]`
  return path === '' ? name : `${path}.${name}`
}
