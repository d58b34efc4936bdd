const HOPS_MAX = 15

/** Sends a request to where a realm really listens, whatever its issuer is called. Follows nothing. */
export type Transport = (url: string, init?: RequestInit) => Promise<Response>

export interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
  /** The line as it came. */
  readonly line: string
}

export interface Page {
  readonly status: number
  readonly location: string | undefined
  readonly text: string
  readonly headers: Headers
}

/** A browser as far as cookies and redirects go. */
export class Browser {
  readonly #transport: Transport
  #cookies: Cookie[] = []

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get cookies(): readonly Cookie[] {
    return this.#cookies
  }

  /** Takes cookies that were another browser's, or another realm's. */
  steal(cookies: readonly Cookie[]): void {
    this.#cookies = [...cookies]
  }

  async get(url: string): Promise<Page> {
    return this.#send(url, {})
  }

  async post(url: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    return this.#send(url, { method: 'POST', body: new URLSearchParams(fields) })
  }

  /** Follows redirects, also those that are forms that send themselves, until one leads to `end`. */
  async until(url: string, end: string): Promise<string> {
    let next = url
    let page = await this.get(next)
    for (let hops = 0; hops < HOPS_MAX; hops += 1) {
      const form = page.location === undefined ? formIn(page.text) : undefined
      if (page.location !== undefined) {
        next = new URL(page.location, next).href
        if (next.startsWith(end)) return next
        page = await this.get(next)
      } else if (form !== undefined) {
        page = await this.post(form.action, form.fields)
      } else {
        throw new Error(`stopped at ${next}: ${page.status} ${page.text.slice(0, 300)}`)
      }
    }
    throw new Error(`went round and round at ${next}`)
  }

  async #send(url: string, init: RequestInit): Promise<Page> {
    const { pathname } = new URL(url)
    const cookie = this.#cookies
      .filter(({ path }) => isBelow(pathname, path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const response = await this.#transport(url, { ...init, headers: { cookie } })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return {
      status: response.status,
      location: response.headers.get('location') ?? undefined,
      text: await response.text(),
      headers: response.headers,
    }
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/; ?/)
    const cut = pair.indexOf('=')
    const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
    const cookie = { name: pair.slice(0, cut), value: pair.slice(cut + 1), path, line }
    this.#cookies = this.#cookies.filter(
      (one) => one.name !== cookie.name || one.path !== cookie.path,
    )
    if (cookie.value !== '') this.#cookies.push(cookie)
  }
}

/** RFC 6265, section 5.1.4. */
function isBelow(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.replace(/\/?$/, '/'))
}

/** The first form of a page, with its hidden fields. */
export function formIn(
  html: string,
): { readonly action: string; readonly fields: Record<string, string> } | undefined {
  const action = /<form[^>]*\baction="([^"]+)"/.exec(html)?.[1]
  if (action === undefined) return undefined
  const fields: Record<string, string> = {}
  for (const [, name, value] of html.matchAll(
    /<input type="hidden" name="([^"]+)" value="([^"]*)"/g,
  )) {
    if (name !== undefined) fields[name] = value ?? ''
  }
  return { action, fields }
}
