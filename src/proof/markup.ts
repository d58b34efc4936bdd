import { escapeMarkup } from './escape-markup.ts'

/** A piece of HTML whose every inserted text is escaped. Only the `html` tag makes one. */
export class Markup {
  readonly #text: string

  constructor(strings: TemplateStringsArray, values: readonly Insertable[]) {
    this.#text = String.raw({ raw: strings }, ...values.map(insert))
  }

  toString(): string {
    return this.#text
  }
}

export type Insertable = string | number | Markup | readonly Insertable[]

/** HTML from a template: texts and numbers are escaped, markup and lists of it go in as they are. */
export function html(strings: TemplateStringsArray, ...values: readonly Insertable[]): Markup {
  return new Markup(strings, values)
}

function insert(value: Insertable): string {
  if (value instanceof Markup) return value.toString()
  if (typeof value === 'string' || typeof value === 'number') return escapeMarkup(String(value))
  return value.map(insert).join('')
}
