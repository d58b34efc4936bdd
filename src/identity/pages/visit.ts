import type { ServerResponse } from 'node:http'
import type { RealmContext, RealmRequest } from '../provider/realm-context.ts'
import type { Caller } from '../sign-in/sign-in.ts'
import { readCookie, setCookie } from './guard/cookies.ts'
import { checkCsrf, csrfToken } from './guard/csrf.ts'
import type { PageNeeds } from './guard/headers.ts'
import { type PageForm, readPageForm } from './guard/page-form.ts'
import type { Page } from './html/layout.ts'
import type { Look } from './look/look.ts'
import { looks } from './look/looks.ts'
import type { PagesOptions } from './pages-options.ts'
import { redirect, sendPage } from './respond.ts'

export const DEVICE_COOKIE = 'rf_device'
const YEAR_SECONDS = 365 * 24 * 3600

/** One request for a page of a realm, with what every page of it needs. */
export class Visit {
  readonly context: RealmContext
  readonly request: RealmRequest
  readonly response: ServerResponse
  readonly options: PagesOptions
  readonly look: Look
  /** Below the issuer, without the query: `/interaction/x/password`. */
  readonly path: string
  readonly query: URLSearchParams

  constructor(
    context: RealmContext,
    request: RealmRequest,
    response: ServerResponse,
    options: PagesOptions,
  ) {
    this.context = context
    this.request = request
    this.response = response
    this.options = options
    this.look = looks(context)
    const cut = request.url.indexOf('?')
    this.path = cut < 0 ? request.url : request.url.slice(0, cut)
    this.query = new URLSearchParams(cut < 0 ? '' : request.url.slice(cut + 1))
  }

  get posts(): boolean {
    return this.request.method === 'POST'
  }

  /** The address of a page of this realm, as a browser asks for it. */
  to(path: string): string {
    return `${this.request.baseUrl}${path}`
  }

  /** Who calls, for limits. */
  get caller(): Caller {
    return {
      tenant: this.context.tenant,
      address: this.request.address,
      device: readCookie(this.request, DEVICE_COOKIE, this.context),
    }
  }

  /** Remembers that its owner has signed in on this device. */
  rememberDevice(value: string): void {
    setCookie(this.response, DEVICE_COOKIE, value, this.context, YEAR_SECONDS)
  }

  /** What forms carry to show that they are ours, bound to one thing. */
  csrf(boundTo: string): string {
    return csrfToken(this.request, this.response, this.context, boundTo)
  }

  /**
   * The form that was posted, if a page of ours posted it.
   * @throws RingfenceError `forbidden`, `invalid_argument`, `too_large`
   */
  async form(boundTo: string): Promise<PageForm> {
    const form = await readPageForm(this.request)
    checkCsrf(this.request, form.get('csrf'), this.context, boundTo)
    return form
  }

  show(page: Page, needs: PageNeeds & { readonly status?: number } = {}): void {
    sendPage(this.response, this.look, page, needs)
  }

  /** On to another page of this realm. */
  go(path: string): void {
    redirect(this.response, this.to(path))
  }
}
