import assert from 'node:assert/strict'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Env } from 'hono'
import { z } from 'zod'

interface Said {
  readonly content?: Readonly<
    Record<string, { readonly schema: Parameters<typeof z.fromJSONSchema>[0] }>
  >
}
type Paths = Readonly<
  Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Said>> }>>>
>

/**
 * An app whose answers are held to what is said of them where they are routed: status, type, and for JSON
 * each field. What is not routed is not looked at.
 */
export function held<E extends Env>(app: OpenAPIHono<E>) {
  const check = checkerOf(app)
  return {
    async request(target: string, init: RequestInit = {}): Promise<Response> {
      const response = await app.request(target, init)
      await check(init.method ?? 'GET', target, response)
      return response
    },
  }
}

function checkerOf<E extends Env>(app: OpenAPIHono<E>) {
  const registry = app.openAPIRegistry
  registry.registerComponent('schemas', 'Problem', {})
  const { paths = {} } = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'x', version: '1' },
  })
  const patterns = Object.entries(paths as Paths).map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods,
  }))
  return async (method: string, target: string, response: Response): Promise<void> => {
    const path = target.split('?')[0] ?? ''
    const found = patterns.find(({ pattern }) => pattern.test(path))
    const operation = found?.methods[method.toLowerCase()]
    if (operation === undefined) return
    const what = `${method} ${path} answered ${response.status}`
    const said = operation.responses[String(response.status)]
    assert.ok(said, `not a documented status: ${what}`)
    // Others go on for as long as somebody reads them.
    const read = () => response.clone().text()
    if (said.content === undefined) return assert.equal(await read(), '', what)
    const type = response.headers.get('content-type')?.split(';')[0] ?? ''
    const media = said.content[type]
    assert.ok(media, `${type} is not documented: ${what}`)
    if (type !== 'application/json') return
    const text = await read()
    const judged = z.fromJSONSchema(media.schema).safeParse(JSON.parse(text))
    assert.ok(judged.success, `${what}: ${text.slice(0, 300)}\n${judged.error?.message}`)
  }
}
