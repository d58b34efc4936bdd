import type { ServerResponse } from 'node:http'
import { assetHeaders, type PageNeeds, pageHeaders } from './guard/headers.ts'
import { layout, type Page } from './html/layout.ts'
import type { Asset } from './look/asset.ts'
import type { Look } from './look/look.ts'

/** Answers with a page. A page with something refused is still an answer to a person: 200 unless told. */
export function sendPage(
  response: ServerResponse,
  look: Look,
  page: Page,
  needs: PageNeeds & { readonly status?: number } = {},
): void {
  const headers = pageHeaders({ ...needs, script: page.script === true })
  response.writeHead(needs.status ?? 200, headers)
  response.end(layout(page, look).toString())
}

/** Goes on elsewhere with GET. Only to addresses that we made ourselves. */
export function redirect(response: ServerResponse, location: string): void {
  const { 'content-type': _, ...headers } = pageHeaders()
  response.writeHead(303, { ...headers, location, 'content-length': '0' })
  response.end()
}

export function sendAsset(response: ServerResponse, { type, body }: Asset): void {
  response.writeHead(200, { ...assetHeaders(type), 'content-length': String(body.length) })
  response.end(body)
}
