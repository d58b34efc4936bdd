import { RingfenceError } from '../../core/errors.ts'
import { problemResponse } from '../../http/problem.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { claimsOf } from '../duel.ts'
import { asTenant, inFront, tenantNamed } from './in-front.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

const AUDIT = '/ringfence/audit'
const NAMES = ['tenant', 'log', 'tenant_id']
/** Where a log is named in the path. */
const NAMED = /^\/ringfence\/audit\/+(?:logs\/|tenant\/)*([a-z0-9-]+)(\/.*)?$/

/** Whose a request is, by whoever made it. */
export const BELIEVED_NAMES: readonly RecordsMutant[] = [
  mutant(
    'rc-tenant-of-query',
    'The tenant of a read is taken from the query, where one is named',
    ['rc-log-named', 'rc-invoice-list', 'rc-bill-preview', 'rc-usage-read'],
    inFront((request, site, pass) => {
      const url = new URL(request.url)
      const name = NAMES.map((one) => url.searchParams.get(one)).find((one) => one !== null)
      const tenant = tenantNamed(site, name)
      if (tenant === undefined) return undefined
      for (const one of NAMES) url.searchParams.delete(one)
      return asTenant(site, pass, request, tenant, url.href)
    }),
  ),
  mutant(
    'rc-tenant-of-header',
    'The tenant of a read is taken from a header, where one is named',
    ['rc-log-header'],
    inFront((request, site, pass) => {
      const tenant = tenantNamed(site, request.headers.get('x-tenant-id'))
      return tenant && asTenant(site, pass, request, tenant)
    }),
  ),
  mutant(
    'rc-tenant-of-path',
    'Logs are served below their names, to whoever has any context',
    ['rc-log-path'],
    inFront((request, site, pass) => {
      const { pathname, origin } = new URL(request.url)
      const [, name, path = ''] = NAMED.exec(pathname) ?? []
      const tenant = tenantNamed(site, name)
      return tenant && asTenant(site, pass, request, tenant, origin + AUDIT + path)
    }),
  ),
  mutant(
    'rc-path-decoded',
    'Paths of tiles are decoded, and followed to wherever they lead',
    ['rc-log-encoded'],
    inFront((request, site, pass) => {
      const { pathname, origin } = new URL(request.url)
      if (!/%/.test(pathname)) return undefined
      const led = new URL(decodeURIComponent(pathname), origin).pathname.replace(AUDIT, '')
      const [, name, path] = /^\/(?:ringfence\/)?(?:tenant\/)?([a-z0-9-]+)(\/.*)$/.exec(led) ?? []
      const tenant = tenantNamed(site, name)
      return tenant && asTenant(site, pass, request, tenant, `${origin}${AUDIT}${path ?? ''}`)
    }),
  ),
  mutant(
    'rc-cursor-names-log',
    'Cursors say of which log they are, and are believed',
    ['rc-log-cursor'],
    inFront((request, site, pass) => {
      const url = new URL(request.url)
      const [name, at] = (url.searchParams.get('cursor') ?? '').split(':')
      const tenant = tenantNamed(site, name)
      if (tenant === undefined || at === undefined) return undefined
      url.searchParams.set('cursor', at)
      return asTenant(site, pass, request, tenant, url.href)
    }),
  ),
  mutant(
    'rc-event-names-log',
    'The last event that a follower has seen says of which log it was',
    ['rc-log-cursor'],
    inFront((request, site, pass) => {
      const [name] = (request.headers.get('last-event-id') ?? '').split(':')
      const tenant = tenantNamed(site, name)
      if (tenant === undefined) return undefined
      return asTenant(site, pass, request, tenant, request.url.replace('/follow', '/export'))
    }),
  ),
  mutant(
    'rc-search-finds-log',
    'A search by the id of a request goes to the log that holds it',
    ['rc-log-search'],
    inFront((request, site, pass) => {
      const asked = new URL(request.url).searchParams.get('request_id')
      const party = site.ground.parties.find(({ entryCanary }) => entryCanary === asked)
      return party && asTenant(site, pass, request, party.tenant)
    }),
  ),
  mutant(
    'rc-index-goes-on',
    'Indices beyond a log’s end go on in the next log',
    ['rc-log-index'],
    inFront((request, site, pass) => {
      const [, index] = /\/entries\/(\d+)$/.exec(request.url) ?? []
      if (index === undefined) return undefined
      return (async () => {
        const own = await pass(request.clone())
        if (own.status !== 404) return own
        const { tenant_id: reader } = claimsOf(request.headers.get(CONTEXT_HEADER) ?? '')
        const next = site.ground.parties.find(({ tenant }) => tenant !== reader)
        const url = request.url.replace(/\d+$/, '0')
        return next === undefined ? own : asTenant(site, pass, request, next.tenant, url)
      })()
    }),
  ),
  mutant(
    'rc-log-forbidden',
    'A log that is another’s is refused in other words than one that there is not',
    ['rc-log-exists'],
    inFront((request, site) => {
      const { pathname } = new URL(request.url)
      const tenant = tenantNamed(site, NAMED.exec(pathname)?.[1])
      if (tenant === undefined) return undefined
      return problemResponse(new RingfenceError('forbidden', 'this log is another tenant’s'))
    }),
  ),
  mutant(
    'rc-platform-for-all',
    'Whoever names no tenant reads everybody’s',
    ['rc-log-of-platform'],
    inFront((request, site, pass) => {
      const name = new URL(request.url).searchParams.get('log')
      if (name !== 'platform') return undefined
      const url = request.url.replace(/\?.*$/, '')
      return (async () => {
        const all = await Promise.all(
          site.ground.parties.map(({ tenant }) =>
            asTenant(site, pass, request.clone(), tenant, url),
          ),
        )
        return new Response((await Promise.all(all.map((one) => one.text()))).join('\n'))
      })()
    }),
  ),
]
