import { createServer } from 'node:http'
import { call } from '../../http/call.ts'
import { type Listening, listenWith } from '../../http/listen.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { type DirectorySite, startDirectorySite } from '../directory/directory-site.test-support.ts'
import { type ScimHandlerOptions, scimHandler } from './scim-handler.ts'
import { type NewScimToken, ScimAdministration } from './tokens/scim-administration.ts'

export interface ScimAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** As JSON; empty when there is no body. */
  readonly body: ScimBody
}

export interface ScimBody {
  readonly id: string
  readonly detail?: string
  readonly scimType?: string
  readonly totalResults?: number
  readonly Resources: readonly Readonly<Record<string, unknown>>[]
  readonly [name: string]: unknown
}

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  /** Instead of `body`. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface ScimSite extends DirectorySite {
  readonly administration: ScimAdministration
  readonly logged: string[]
  readonly url: string
  /** A realm with a token. */
  source(name: string, token?: Partial<NewScimToken>): Promise<ScimSource>
}

/** A source of provisioning. `path` is below `/scim/v2`. */
export interface ScimSource {
  readonly tenant: TenantId
  readonly secret: string
  /** Of its SCIM server, as it is reached. */
  readonly url: string
  ask(path: string, asked?: Asked): Promise<ScimAnswer>
}

/** The SCIM servers of realms, over HTTP, on a directory in a server of its own. */
export async function startScimSite(changes: Partial<ScimHandlerOptions> = {}): Promise<ScimSite> {
  const site = await startDirectorySite()
  const logged: string[] = []
  const administration = new ScimAdministration(site.database)
  const handler = scimHandler({
    directory: site.directory,
    database: site.database,
    log: (line) => logged.push(line),
    ...changes,
  })
  let listening: Listening | undefined
  const server = createServer((request, response) => {
    const [, tenant = '', rest = ''] = /^\/realms\/([^/?]+)(.*)$/s.exec(request.url ?? '') ?? []
    const baseUrl = `/realms/${tenant}`
    const context = { tenant: parseTenantId(tenant), issuer: `${listening?.url}${baseUrl}` }
    const method = request.method ?? 'GET'
    const asked = Object.assign(request, { url: rest, method, baseUrl, address: '192.0.2.1' })
    void handler(context, asked, response).then((answered) => {
      if (!answered) response.writeHead(418).end()
    })
  })
  listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
  const { url } = listening
  return {
    ...site,
    administration,
    logged,
    url,
    async source(name, token = {}) {
      const tenant = await site.realm(name)
      const { secret } = await administration.create(tenant, { name: 'source', ...token })
      return sourceOf(url, tenant, secret)
    },
    async stop() {
      await listening?.close()
      await site.stop()
    },
  }
}

export function sourceOf(origin: string, tenant: TenantId, secret: string): ScimSource {
  const path = `/realms/${tenant}/scim/v2`
  return {
    tenant,
    secret,
    url: `${origin}${path}`,
    async ask(below, { method = 'GET', body, text, headers = {} } = {}) {
      const sent = text ?? (body === undefined ? undefined : JSON.stringify(body))
      const answer = await call(origin, {
        method,
        path: `${path}${below}`,
        headers: {
          authorization: `Bearer ${secret}`,
          ...(sent === undefined ? {} : { 'content-type': 'application/scim+json' }),
          ...headers,
        },
        ...(sent === undefined ? {} : { body: sent }),
      })
      const parsed: unknown = answer.text === '' ? {} : JSON.parse(answer.text)
      return { ...answer, body: parsed as ScimBody }
    },
  }
}

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

export function patchOf(...operations: readonly unknown[]): Asked {
  return { method: 'PATCH', body: { schemas: [PATCH], Operations: operations } }
}
