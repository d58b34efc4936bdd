import type { ControlPlane, Page, PageRequest } from '../../control/control-plane.ts'
import { parseTenantId } from '../../core/tenant.ts'
import {
  changed,
  instead,
  mutant,
  type OfficeMutant,
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

const TENANT = /\/v1\/tenants\/([a-z0-9-]+)$/

/** Tags that are made of less than they stand for. */
function tags(
  id: string,
  title: string,
  noticedBy: readonly string[],
  tagOf: (tenant: { revision: number; id: string }) => string,
): OfficeMutant {
  return mutant(
    id,
    title,
    noticedBy,
    worseFront(async (request, api, plane) => {
      const id = TENANT.exec(new URL(request.url).pathname)?.[1]
      if (id === undefined) return api(request)
      const tag = async () => `"${tagOf(await plane.tenants.get(parseTenantId(id)))}"`
      const condition = request.headers.get('if-match')
      if (request.method === 'PATCH' && condition !== null) {
        const meant = condition === (await tag().catch(() => ''))
        return api(meant ? changed(request, { 'if-match': undefined }) : request)
      }
      const answer = await api(request)
      if (!answer.ok) return answer
      const headers = new Headers(answer.headers)
      headers.set('etag', await tag())
      return new Response(answer.body, { status: answer.status, headers })
    }),
  )
}

/** Conditions, rewritten before the API sees them. */
function conditions(
  id: string,
  title: string,
  noticedBy: readonly string[],
  rewrite: (condition: string) => string | undefined,
): OfficeMutant {
  return mutant(
    id,
    title,
    noticedBy,
    worseFront(async (request, api) => {
      const condition = request.headers.get('if-match')
      return api(
        condition === null ? request : changed(request, { 'if-match': rewrite(condition) }),
      )
    }),
  )
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
  conditions('ca-tag-not-asked', 'Conditions are not looked at', ['ca-tag-older'], () => undefined),
  conditions(
    'ca-tag-compared-weakly',
    'Weak tags are as good as strong ones',
    ['ca-tag-weak'],
    (one) => one.replace(/^W\//, ''),
  ),
  conditions(
    'ca-tag-any-star',
    'A star anywhere means any version',
    ['ca-tag-star-in-list'],
    (one) => (one.includes('*') ? '*' : one),
  ),
  tags(
    'ca-tag-of-revision',
    'A tag is the number of the revision',
    ['ca-tag-other-tenant'],
    ({ revision }) => String(revision),
  ),
  tags(
    'ca-tag-of-id',
    'A tag is the name of the tenant',
    ['ca-tag-older', 'ca-id-taken-again'],
    ({ id }) => id,
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
  mutant('ca-target-resolved', 'Dot segments in paths are resolved', ['ca-path-climbs'], {
    front: (api) => (request) => api(request),
  }),
]
