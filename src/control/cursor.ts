import { createHmac, timingSafeEqual } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'
import type { Page, PageRequest } from './control-plane.ts'

const LIMIT_MAX = 500
const CURSOR_CHARACTERS_MAX = 1_000

/** Where a page ended: the sort key of its last item. */
type Position = readonly (string | number)[]

/**
 * Keyset cursors. One is opaque to its holder, and signed together with the list and filter that it
 * belongs to, so that a cursor of another list or filter, or one that somebody made, is refused.
 */
export class Cursors {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /**
   * Where the page begins, or undefined for the first.
   * @param list names the list and its filter
   * @throws RingfenceError `invalid_argument`
   */
  read(list: string, page: PageRequest): Position | undefined {
    if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > LIMIT_MAX) {
      throw new RingfenceError('invalid_argument', `a limit is 1 to ${LIMIT_MAX}`)
    }
    if (page.cursor === undefined) return undefined
    const [body = '', tag = '', ...rest] = page.cursor.slice(0, CURSOR_CHARACTERS_MAX).split('.')
    const given = Buffer.from(tag, 'base64url')
    const expected = this.#tag(list, body)
    if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new RingfenceError('invalid_argument', 'the cursor is not one of this list and filter')
    }
    const position: Position = JSON.parse(Buffer.from(body, 'base64url').toString())
    return position
  }

  /** `rows` is one more than the page when there are more. */
  page<Row, Item>(
    list: string,
    page: PageRequest,
    rows: readonly Row[],
    positionOf: (row: Row) => Position,
    itemOf: (row: Row) => Item,
  ): Page<Item> {
    const shown = rows.slice(0, page.limit)
    const last = shown.at(-1)
    const next =
      rows.length > page.limit && last !== undefined
        ? this.#write(list, positionOf(last))
        : undefined
    return { items: shown.map(itemOf), next }
  }

  #write(list: string, position: Position): string {
    const body = Buffer.from(JSON.stringify(position)).toString('base64url')
    return `${body}.${this.#tag(list, body).toString('base64url')}`
  }

  #tag(list: string, body: string): Buffer {
    return createHmac('sha256', this.#key).update(`${list}\n${body}`).digest()
  }
}
