import { INTERACTION_COOKIE } from './federation-site.test-support.ts'

/** Sends a request to where it is for, and follows nothing. */
export type Transport = (url: string, init: RequestInit) => Promise<Response>

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
  readonly host: string
}

export interface Page {
  readonly status: number
  readonly location: string | undefined
  readonly text: string
  readonly headers: Headers
  readonly url: string
}

/** One browser: keeps cookies by host and path, and follows nothing unless told. */
export class Browser {
  readonly #send: Transport
  #cookies: Cookie[] = []

  /** @param send how a request gets to where it is for */
  constructor(send: Transport = fetch) {
    this.#send = send
  }

  /** Puts the browser into an interaction of a realm, as the provider does. */
  enter(issuer: string, interaction: string): void {
    const path = `${new URL(issuer).pathname}/interaction/${interaction}`
    this.#set(issuer, `${INTERACTION_COOKIE}=${interaction}; Path=${path}`)
  }

  /** Takes what another browser has: an attacker who has seen everything but one cookie, or all of it. */
  get cookies(): readonly Cookie[] {
    return this.#cookies
  }

  get(url: string): Promise<Page> {
    return this.#ask(url, {})
  }

  post(url: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    return this.#ask(url, { method: 'POST', body: new URLSearchParams(fields) })
  }

  /** Follows redirects until something is shown, or one leads to `until`. */
  async follow(url: string, until = /^$/): Promise<Page> {
    let page = await this.get(url)
    for (let hops = 0; page.location !== undefined && hops < 12; hops++) {
      if (until.test(page.location)) return page
      page = await this.get(page.location)
    }
    return page
  }

  async #ask(url: string, init: RequestInit): Promise<Page> {
    const { host, pathname } = new URL(url)
    const cookie = this.#cookies
      .filter((one) => one.host === host && covers(one.path, pathname))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const headers = cookie === '' ? {} : { cookie }
    const response = await this.#send(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#set(url, line)
    const location = response.headers.get('location')
    return {
      status: response.status,
      location: location === null ? undefined : new URL(location, url).href,
      text: await response.text(),
      headers: response.headers,
      url,
    }
  }

  #set(url: string, line: string): void {
    const [pair = '', ...rest] = line.split('; ')
    const cut = pair.indexOf('=')
    const attributes = rest.map((text) => text.toLowerCase())
    const path = rest.find((text) => /^path=/i.test(text))?.slice(5) ?? '/'
    const cookie = {
      name: pair.slice(0, cut),
      value: pair.slice(cut + 1),
      path,
      host: new URL(url).host,
    }
    this.#cookies = this.#cookies.filter(
      (one) => one.name !== cookie.name || one.path !== path || one.host !== cookie.host,
    )
    const gone =
      attributes.includes('max-age=0') || attributes.some((text) => /^expires=.*1970/.test(text))
    if (!gone) this.#cookies.push(cookie)
  }
}

/** RFC 6265, section 5.1.4. */
function covers(path: string, pathname: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}
