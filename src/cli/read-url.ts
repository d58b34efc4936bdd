import { RingfenceError } from '../core/errors.ts'
import type { Console } from './console.ts'

/** `env:NAME` keeps a password off the command line, where other users of the machine can read it. */
export function readUrl(value: string, console: Console): string {
  if (!value.startsWith('env:')) return value
  const url = console.environment[value.slice(4)]
  if (url === undefined || url === '') {
    throw new RingfenceError('invalid_argument', `the variable ${value.slice(4)} is not set`)
  }
  return url
}
