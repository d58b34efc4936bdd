import type { Heard } from './wire.ts'

/** An answer's JSON object; empty when it is none. */
export function bodyOf({ body }: Pick<Heard, 'body'>): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** A header field of an answer, by its name in lower case; empty when it has none. */
export function headerOf({ headers }: Pick<Heard, 'headers'>, name: string): string {
  return headers.find(([one]) => one === name)?.[1] ?? ''
}
