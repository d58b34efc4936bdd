import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { tenantListener } from '../../src/sdk/node-http.ts'
import type { RingfenceOptions } from '../../src/sdk/options.ts'
import { Ringfence } from '../../src/sdk/ringfence.ts'
import { VISIT } from './visit.ts'

export type ServiceWork =
  | {
      readonly kind: 'plain'
      readonly login: pg.ClientConfig
      /** What stands in the tenant column, by the tenant's name in the path. */
      readonly keys: Readonly<Record<string, string>>
    }
  | { readonly kind: 'sdk'; readonly options: RingfenceOptions }

const PLAIN_VISIT = { name: 'visit', text: `${VISIT.text} and tenant_id = $2` }
/** Sessions that each of the two may hold. */
const SESSIONS = 40

/** A small service with one query, in a process of its own: with the SDK, or as it would be without. */
process.once('message', (work: ServiceWork) => {
  const server = createServer(work.kind === 'plain' ? plain(work) : guarded(work.options))
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
})

process.once('disconnect', () => process.exit())

/** One login for all tenants, and a WHERE that nobody forgets. It believes the path. */
function plain({ login, keys }: Extract<ServiceWork, { kind: 'plain' }>): RequestListener {
  const pool = new pg.Pool({ ...login, max: SESSIONS })
  // The server may end before this process does.
  pool.on('error', () => {})
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://service')
    const key = keys[pathname.split('/')[2] ?? '']
    pool.query({ ...PLAIN_VISIT, values: [searchParams.get('id'), key] }).then(
      ({ rows }) => answer(response, rows),
      () => response.writeHead(500).end(),
    )
  }
}

function guarded(options: RingfenceOptions): RequestListener {
  const ringfence = new Ringfence({ ...options, pool: { sessionsMax: SESSIONS } })
  return tenantListener(ringfence, async (request, response, context) => {
    const { searchParams } = new URL(request.url ?? '', 'http://service')
    const values = [searchParams.get('id')]
    const { rows } = await ringfence.withTenant(context, (db) => db.query({ ...VISIT, values }))
    answer(response, rows)
  })
}

/** The same work for both, and no answer at all for a row that is not there. */
function answer(response: ServerResponse, rows: readonly object[]): void {
  if (rows.length !== 1) response.writeHead(404)
  else response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(rows))
}
