import { randomInt } from 'node:crypto'
import { formsIn } from './forms-in.ts'
import { headerOf } from '../../strikes/heard.ts'
import type { Heard, Wire } from '../../strikes/wire.ts'
import { BASE } from './ground.ts'
import type { Ask, Plane } from './plane.ts'

const HOPS_MAX = 15

export interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
  /** The line as it came. */
  readonly line: string
}

export interface Page extends Heard {
  /** Where it is, or where the browser was sent outside. */
  readonly url: string
  readonly forms: readonly Form[]
}

/** A form as its page has it: where it goes, and what it brings with it. */
export interface Form {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
}

type Headers = NonNullable<Ask['headers']>

/** What browsers of today say with a form of a page of the same origin. */
const OWN: Headers = [
  ['Origin', 'null'],
  ['Sec-Fetch-Site', 'same-origin'],
]
/** What they say with a form of another site's page. */
export const FOREIGN: Headers = [
  ['Origin', 'https://evil.test'],
  ['Sec-Fetch-Site', 'cross-site'],
]

/** A browser without a screen: cookies by path, redirects within one origin, forms. */
export class Browser {
  readonly plane: Plane
  readonly wire: Wire
  /** Everybody has an address of their own. */
  readonly from = `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`
  cookies: Cookie[] = []

  constructor(plane: Plane, wire: Wire) {
    this.plane = plane
    this.wire = wire
  }

  /** Goes to an address, and on through redirects as long as they stay here. */
  async get(url: string, headers: Headers = []): Promise<Page> {
    return this.#follow(url, await this.once('GET', url, { headers }))
  }

  async post(url: string, form: Readonly<Record<string, string>>, headers = OWN): Promise<Page> {
    return this.#follow(url, await this.once('POST', url, { form, headers }))
  }

  /** Sends the form whose address ends so, filled in, as its own page would. */
  submit(
    page: Page,
    ending: string,
    fields: Readonly<Record<string, string>> = {},
    headers = OWN,
  ): Promise<Page> {
    const form = formOf(page, ending)
    return this.post(form.action, { ...form.fields, ...fields }, headers)
  }

  /** Follows nothing. */
  async once(method: string, url: string, ask: Ask = {}): Promise<Page> {
    const { pathname, href } = new URL(url, BASE)
    const cookie = this.cookiesFor(pathname)
    const heard = await this.plane.ask(this.wire, method, href.slice(BASE.length), {
      from: this.from,
      ...ask,
      headers: [...(cookie === '' ? [] : [['Cookie', cookie] as const]), ...(ask.headers ?? [])],
    })
    for (const [name, value] of heard.headers) if (name === 'set-cookie') this.#keep(value)
    return { ...heard, url: href, forms: formsIn(heard.body) }
  }

  /** What would be sent to this path. */
  cookiesFor(pathname: string): string {
    return this.cookies
      .filter(({ path }) => isBelow(pathname, path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  cookie(ending: string): Cookie | undefined {
    return this.cookies.find(({ name }) => name.endsWith(ending))
  }

  async #follow(from: string, first: Page): Promise<Page> {
    let [url, page] = [new URL(from, BASE), first]
    for (let hops = 0; hops < HOPS_MAX; hops += 1) {
      const to = locationOf(page)
      if (to === undefined) return { ...page, url: url.href }
      url = new URL(to, url)
      if (url.origin !== BASE) return { ...page, url: url.href }
      page = await this.once('GET', url.href)
    }
    throw new Error(`went round and round at ${url.pathname}`)
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/; ?/)
    const cut = pair.indexOf('=')
    const [name, value] = [pair.slice(0, cut), pair.slice(cut + 1)]
    const path = attributes.find((one) => /^path=/i.test(one))?.slice('path='.length) ?? '/'
    this.cookies = this.cookies.filter((one) => one.name !== name || one.path !== path)
    if (value !== '') this.cookies.push({ name, value, path, line })
  }
}

/** @throws Error when the page has no such form */
export function formOf({ forms, status }: Page, ending: string): Form {
  const form = forms.find(({ action }) => action.endsWith(ending))
  if (form !== undefined) return form
  const there = forms.map(({ action }) => action.split('/').at(-1)).join(', ')
  throw new Error(`no form ${ending} on a page of status ${status}, only: ${there}`)
}

export function locationOf(heard: Heard): string | undefined {
  const redirects = heard.status >= 300 && heard.status < 400
  return redirects ? headerOf(heard, 'location') || undefined : undefined
}

/** RFC 6265, section 5.1.4. */
function isBelow(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.replace(/\/?$/, '/'))
}
