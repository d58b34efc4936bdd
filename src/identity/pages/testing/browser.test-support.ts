import { request as httpRequest } from 'node:http'

/** A form as the page has it: where it goes, and what it brings with it. */
export interface FoundForm {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
  readonly markup: string
}

export interface Shown {
  readonly url: string
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly title: string
  readonly forms: readonly FoundForm[]
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
}

type Headers = Readonly<Record<string, string>>

/**
 * A browser without a screen: keeps cookies by path, follows redirects on one origin, reads forms and
 * sends them with the headers that browsers add.
 */
export class TestBrowser {
  readonly origin: string
  readonly #cookies: Cookie[] = []

  constructor(origin: string) {
    this.origin = origin
  }

  /** Goes to an address, and on through redirects as long as they stay here. */
  get(url: string, headers: Headers = {}): Promise<Shown> {
    return this.#load('GET', url, headers)
  }

  /** Sends the form with this part in its address, filled in, as its own page would. */
  submit(page: Shown, action: string, fields: Headers = {}, headers: Headers = {}): Promise<Shown> {
    const form =
      page.forms.find((one) => one.action.endsWith(action)) ??
      page.forms.find((one) => one.action.includes(action))
    if (form === undefined) {
      const there = page.forms.map((one) => one.action).join(', ')
      throw new Error(`no form for ${action} on "${page.title}", only: ${there}`)
    }
    return this.post(form.action, { ...form.fields, ...fields }, headers)
  }

  /** A form from one of our own pages. Our pages send no referrer, so that the origin is `null`. */
  post(url: string, fields: Headers, headers: Headers = {}): Promise<Shown> {
    return this.#load(
      'POST',
      url,
      { origin: 'null', 'sec-fetch-site': 'same-origin', ...headers },
      new URLSearchParams(fields).toString(),
    )
  }

  cookie(name: string): string | undefined {
    return this.#cookies.find((cookie) => cookie.name === name)?.value
  }

  /** All cookies, as they would be sent to this path. */
  cookiesFor(path: string): string {
    return this.#cookies
      .filter(
        ({ path: own }) => path === own || path.startsWith(own.endsWith('/') ? own : `${own}/`),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  setCookie(name: string, value: string, path: string): void {
    this.#forget(name, path)
    this.#cookies.push({ name, value, path })
  }

  async #load(method: string, to: string, headers: Headers, body?: string): Promise<Shown> {
    let url = new URL(to, this.origin)
    let answer = await this.#send(method, url, headers, body)
    for (let hops = 0; hops < 15; hops++) {
      const { location } = answer.headers
      if (answer.status < 300 || answer.status > 399 || typeof location !== 'string') break
      const next = new URL(location, url)
      if (next.origin !== this.origin) {
        return { ...answer, url: next.href, text: '', title: '', forms: [] }
      }
      url = next
      answer = await this.#send('GET', url, {})
    }
    return { ...answer, url: url.href, title: titleOf(answer.text), forms: formsOf(answer.text) }
  }

  #send(method: string, url: URL, headers: Headers, body?: string) {
    return new Promise<Pick<Shown, 'status' | 'headers' | 'text'>>((resolve, reject) => {
      const sending = httpRequest(
        url,
        {
          method,
          headers: {
            accept: 'text/html',
            'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
            cookie: this.cookiesFor(url.pathname),
            ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => {
            for (const line of response.headers['set-cookie'] ?? []) this.#keep(line)
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString(),
            })
          })
        },
      )
      sending.on('error', reject)
      sending.end(body)
    })
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const cut = pair.indexOf('=')
    const [name, value] = [pair.slice(0, cut), pair.slice(cut + 1)]
    const of = (key: string) =>
      attributes.find((part) => part.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1)
    const path = of('path') ?? '/'
    this.#forget(name, path)
    const over =
      value === '' || of('max-age') === '0' || Date.parse(of('expires') ?? '') < Date.now()
    if (!over) this.#cookies.push({ name, value, path })
  }

  #forget(name: string, path: string): void {
    const at = this.#cookies.findIndex((one) => one.name === name && one.path === path)
    if (at >= 0) this.#cookies.splice(at, 1)
  }
}

function titleOf(text: string): string {
  return unescape(/<title>([^<]*)/.exec(text)?.[1] ?? '')
}

function formsOf(text: string): FoundForm[] {
  return [...text.matchAll(/<form [^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)].map(
    ([markup, action = '', inside = '']) => ({
      action: unescape(action),
      markup,
      fields: Object.fromEntries(
        [...inside.matchAll(/<input [^>]*>/g)]
          .map(([input]) => [attributeOf(input, 'name'), attributeOf(input, 'value')] as const)
          .filter(([name]) => name !== ''),
      ),
    }),
  )
}

function attributeOf(tag: string, name: string): string {
  return unescape(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
}

/** What the markup says, as a browser would read it. */
export function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
