import { RingfenceError } from '../../../core/errors.ts'

/** What a parser makes of it, or undefined when it is refused. */
export function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RingfenceError) return undefined
    throw error
  }
}
