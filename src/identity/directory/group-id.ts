import { RingfenceError } from '../../core/errors.ts'

declare const groupBrand: unique symbol
/** A group of one realm. */
export type GroupId = string & { readonly [groupBrand]: true }

/** @throws RingfenceError `invalid_argument` */
export function parseGroupId(value: unknown): GroupId {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value)) return value as GroupId
  throw new RingfenceError('invalid_argument', 'a group id has 1 to 200 visible ASCII characters')
}
