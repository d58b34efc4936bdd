import { resolve } from 'node:path'

/** Fields that name files or directories, and nothing else. */
const PATHS = /(?:Files?|^directory|^certificates|^socket|^recordQuestions)$/
/** Names in these are others', whatever they end with. */
const FREE = new Set(['fields'])

/**
 * The same settings with each path in it taken relative to a directory: a manifest
 * means the same wherever it is read from.
 */
export function pathsFrom<T>(directory: string, settings: T): T {
  const within = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(within)
    if (!isPlain(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => {
        if (FREE.has(name)) return [name, one]
        return [name, PATHS.test(name) ? placed(one) : within(one)]
      }),
    )
  }
  const placed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(placed)
    return typeof value === 'string' ? resolve(directory, value) : within(value)
  }
  // Only texts have changed, and they are texts still.
  return within(settings) as T
}

function isPlain(value: unknown): value is object {
  return value !== null && Object.getPrototypeOf(value) === Object.prototype
}
