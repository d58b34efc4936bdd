import { html as escape } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** Markup in which everything that came from outside is escaped. Only `html` makes it. */
export type Html = HtmlEscapedString

/** What may stand in markup. Text is escaped; nothing is written for what is left out. */
export type Child = Html | string | number | false | undefined | readonly Child[]

/**
 * A template of markup. Attribute values stand in double quotes, always: between quotes escaping is
 * enough, without them it is not.
 */
export function html(strings: TemplateStringsArray, ...children: readonly Child[]): Html {
  const made = escape(strings, ...children)
  // Only promises among the children make a promise, and the types let none in.
  if (made instanceof Promise) throw new TypeError('markup is not made of promises')
  return made
}

/** ` name="value"`, or nothing when there is no value. */
export function attribute(name: string, value: string | number | undefined): Child {
  return value !== undefined && html` ${name}="${value}"`
}

/** ` name`, or nothing. */
export function flag(name: string, set: boolean | undefined): Child {
  return set === true && html` ${name}`
}
