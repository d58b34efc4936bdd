import type { ControlPlane, Page, PageRequest, WorkflowEvent } from '../../control/control-plane.ts'
import { parseTenantId } from '../../core/tenant.ts'
import {
  instead,
  mutant,
  type OfficeMutant,
  whoAsks,
  worseFront,
  worsePlane,
} from './office-mutant.ts'

/** A list behind cursors that say by themselves where, and of what, the next page is. */
async function carelessPage<Filter, Item>(
  list: (filter: Filter, page: PageRequest) => Promise<Page<Item>>,
  asked: Filter,
  { cursor, limit }: PageRequest,
): Promise<Page<Item>> {
  const found: unknown =
    cursor === undefined ? {} : JSON.parse(Buffer.from(cursor, 'base64url').toString())
  const { filter = asked, after = 0 } = found as { filter?: Filter; after?: number }
  const all = await list(filter, { limit: 500 })
  const items = all.items.slice(after, after + limit)
  const next = Buffer.from(JSON.stringify({ filter, after: after + limit })).toString('base64url')
  return { items, next: after + limit < all.items.length ? next : undefined }
}

/** Events as they go over the wire. In trouble they end, and the reader comes again. */
async function* written(events: AsyncIterable<WorkflowEvent>): AsyncIterable<Uint8Array> {
  try {
    for await (const event of events) {
      yield Buffer.from(`id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`)
    }
  } catch {
    return
  }
}

function keys(
  id: string,
  title: string,
  noticedBy: readonly string[],
  once: (idempotency: ControlPlane['idempotency']) => ControlPlane['idempotency']['once'],
): OfficeMutant {
  return mutant(
    id,
    title,
    noticedBy,
    worsePlane(({ idempotency }) => ({
      idempotency: instead(idempotency, { once: once(idempotency) }),
    })),
  )
}

export const REQUESTS: readonly OfficeMutant[] = [
  keys(
    'ca-keys-of-everybody',
    'Idempotency keys are not bound to who uses them',
    ['ca-key-of-another'],
    (inner) => (actor, key, fingerprint, work) =>
      inner.once({ ...actor, name: 'everybody' }, key, fingerprint, work),
  ),
  keys(
    'ca-keys-of-any-request',
    'Idempotency keys are not bound to the request',
    ['ca-key-other-body'],
    (inner) => (actor, key, _fingerprint, work) => inner.once(actor, key, 'any', work),
  ),
  mutant(
    'ca-keys-before-scopes',
    'Repeats are answered before anybody is asked who it is',
    ['ca-key-without-scope'],
    {
      front: (api) => {
        const answers = new Map<string, string>()
        return async (request, env) => {
          const key = request.headers.get('idempotency-key')
          const known = answers.get(`${request.url} ${key}`)
          if (key !== null && known !== undefined) return new Response(known)
          const answer = await api(request, env)
          if (key !== null && answer.ok)
            answers.set(`${request.url} ${key}`, await answer.clone().text())
          return answer
        }
      },
    },
  ),
  mutant(
    'ca-keys-not-sealed',
    'A new token is remembered as it was answered, for all who may make operators',
    ['ca-key-secret-answer'],
    {
      front: (api, _site, plane) => {
        const answers = new Map<string, string>()
        return async (request, env) => {
          const { method, url, headers } = request
          const key = headers.get('idempotency-key')
          if (key === null || method !== 'POST' || !url.endsWith('/v1/operators')) {
            return api(request, env)
          }
          const body = await request.text()
          const known = answers.get(`${key} ${body}`)
          if (known !== undefined) {
            const by = await whoAsks(request, plane)
            if (by?.scopes.includes('operators:write')) return new Response(known, { status: 201 })
          }
          const answer = await api(new Request(url, { method, headers, body }), env)
          if (answer.ok) answers.set(`${key} ${body}`, await answer.clone().text())
          return answer
        }
      },
    },
  ),
  mutant(
    'ca-cursor-says-of-what',
    'Cursors say of which list they are, and are believed',
    ['ca-cursor-other-filter', 'ca-cursor-forged'],
    worsePlane(({ workflows }) => ({
      workflows: instead(workflows, {
        list: (filter, page) => carelessPage((of, at) => workflows.list(of, at), filter, page),
      }),
    })),
  ),
  mutant(
    'ca-cursor-not-bound',
    "Cursors of a tenant's history say whose it is, and are believed",
    ['ca-cursor-other-tenant'],
    worsePlane(({ tenants }) => ({
      tenants: instead(tenants, {
        history: (tenant, page) => carelessPage((of, at) => tenants.history(of, at), tenant, page),
      }),
    })),
  ),
  mutant(
    'ca-cursor-ignored',
    'A cursor that is not good begins at the first page',
    ['ca-cursor-other-list'],
    worsePlane(({ approvals }) => ({
      approvals: instead(approvals, {
        list: async (filter, page) =>
          approvals.list(filter, page).catch(() => approvals.list(filter, { limit: page.limit })),
      }),
    })),
  ),
  mutant(
    'ca-looked-up-first',
    'What is not there is said to be so before anybody is asked who it is',
    ['ca-exists-by-answer', 'ca-exists-without-token'],
    worseFront(async (request, api, plane) => {
      const tenant = /\/v1\/tenants\/([a-z0-9-]+)/.exec(request.url)?.[1]
      if (tenant === undefined || request.method !== 'GET') return api(request)
      const there = await plane.tenants.get(parseTenantId(tenant)).catch(() => undefined)
      return there === undefined ? new Response('no such tenant', { status: 404 }) : api(request)
    }),
  ),
  mutant(
    'ca-works-first',
    'What is there is read before anybody is asked who it is',
    ['ca-exists-by-work'],
    worseFront(async (request, api, plane) => {
      const tenant = /\/v1\/tenants\/([a-z0-9-]+)/.exec(request.url)?.[1]
      if (tenant !== undefined && request.method === 'GET') {
        const there = await plane.tenants.get(parseTenantId(tenant)).catch(() => undefined)
        if (there !== undefined) await plane.tenants.history(there.id, { limit: 1 })
      }
      return api(request)
    }),
  ),
  mutant(
    'ca-stream-taken-up',
    'A stream that is taken up again is not asked for its scope',
    ['ca-stream-last-event'],
    worseFront(async (request, api, plane) => {
      const workflow = /\/v1\/workflows\/([^/]+)\/events$/.exec(request.url)?.[1]
      const last = request.headers.get('last-event-id')
      if (workflow === undefined || last === null) return api(request)
      // Who has an event's id, it was thought, has been let in before.
      if ((await whoAsks(request, plane)) === undefined) return api(request)
      const events = plane.workflows.events(workflow, Number(last) || 0, request.signal)
      const headers = { 'content-type': 'text/event-stream' }
      return new Response(ReadableStream.from(written(events)), { headers })
    }),
  ),
  mutant('ca-target-resolved', 'Dot segments in paths are resolved', ['ca-path-climbs'], {
    front: (api) => (request) => api(request),
  }),
]
