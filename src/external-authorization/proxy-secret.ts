import { createHash, timingSafeEqual } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'

/** The field in which a proxy shows that it is ours. */
export const SECRET_FIELD = 'ringfence-proxy-secret'
/** 128 bits as hexadecimal digits are 32 characters. */
const FORM = /^[A-Za-z0-9_-]{32,200}$/

/** @throws RingfenceError `invalid_argument` for one that is too short or does not fit into a field */
export function checkSecret(text: string): void {
  if (FORM.test(text)) return
  throw new RingfenceError(
    'invalid_argument',
    "a proxy's secret has 32 to 200 letters, digits, hyphens and underscores",
  )
}

/**
 * What a proxy and the authorizer both know. Whoever could ask without it would say himself from which
 * address he calls, and be shown contexts.
 */
export class ProxySecret {
  readonly #hash: Buffer

  /** @throws RingfenceError as `checkSecret` */
  constructor(text: string) {
    checkSecret(text)
    this.#hash = hashOf(text)
  }

  /** @param presented everything that came in the field */
  opens(presented: readonly string[]): boolean {
    const [text] = presented
    if (presented.length !== 1 || text === undefined) return false
    return timingSafeEqual(hashOf(text), this.#hash)
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
