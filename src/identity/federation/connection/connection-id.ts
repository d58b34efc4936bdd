import { RingfenceError } from '../../../core/errors.ts'

declare const connectionIdBrand: unique symbol

/** A realm's name for one identity provider, `corporate`. It is part of the URLs given to that one. */
export type ConnectionId = string & { readonly [connectionIdBrand]: true }

const LABEL = /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])(?!-)){0,39}$/

/** @throws RingfenceError `invalid_argument` */
export function parseConnectionId(value: unknown): ConnectionId {
  if (typeof value === 'string' && LABEL.test(value)) return value as ConnectionId
  throw new RingfenceError(
    'invalid_argument',
    'a connection id has 1 to 40 characters, a-z, 0-9 and single hyphens inside, like corporate',
  )
}
