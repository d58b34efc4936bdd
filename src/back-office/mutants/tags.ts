import { parseTenantId } from '../../core/tenant.ts'
import { changed, mutant, type OfficeMutant, worseFront } from './office-mutant.ts'

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

export const TAG_MUTANTS: readonly OfficeMutant[] = [
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
    'ca-tag-star-of-nobody',
    'Under a star, a change of a tenant that is not there counts as done',
    ['ca-tag-of-nobody'],
    // Who asks again after an erasure gets no error. Who mistypes a tenant believes that it is held.
    worseFront(async (request, api) => {
      const any = request.method === 'PATCH' && request.headers.get('if-match') === '*'
      const answer = await api(request)
      return any && answer.status === 404 ? new Response(null, { status: 204 }) : answer
    }),
  ),
]
