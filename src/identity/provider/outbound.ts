import { RingfenceError } from '../../core/errors.ts'

export interface OutboundOptions {
  /** Also http, and addresses that are not public: for trying things on one machine. Default false. */
  readonly insideAllowed?: boolean
}

/** What the provider calls addresses with that clients have named. */
export type Outbound = typeof fetch

/**
 * Calls to the outside that cannot be turned inwards. The provider hands over a dispatcher that ends
 * connections to addresses that are not public, after the name was resolved; without it nobody is
 * called.
 */
export function outbound({ insideAllowed = false }: OutboundOptions = {}): Outbound {
  return async (url, options = {}) => {
    if (insideAllowed) {
      const { dispatcher: _guard, ...plain } = options as RequestInit & { dispatcher?: unknown }
      return fetch(url, plain)
    }
    if (
      new URL(url instanceof Request ? url.url : url).protocol !== 'https:' ||
      !('dispatcher' in options)
    ) {
      throw new RingfenceError('forbidden', 'the address is not outside')
    }
    return fetch(url, options)
  }
}
