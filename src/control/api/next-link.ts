import type { ApiContext } from './environment.ts'

/** RFC 8288: the same query, one page on. */
export function nextLink(context: ApiContext, next: string | undefined): Record<string, string> {
  if (next === undefined) return {}
  const url = new URL(context.req.url)
  url.searchParams.set('cursor', next)
  return { link: `<${url.pathname}${url.search}>; rel="next"` }
}
