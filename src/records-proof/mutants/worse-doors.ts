import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { composedApps } from '../house/plane.ts'
import { type Pieces, SOUND } from '../house/pieces.ts'
import { inFront } from './in-front.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

/** What is for tenants is served at the other listener too. */
export function servingTenants(): Pick<Pieces, 'intake'> {
  return {
    intake: (pass, site) => {
      const { tenants } = composedApps(site, SOUND)
      return (request) => (request.headers.has(CONTEXT_HEADER) ? tenants(request) : pass(request))
    },
  }
}

/** What is for planes and operators is served where tenants come in. */
export function servingIntake(path: RegExp): Pick<Pieces, 'tenants'> {
  return {
    tenants: (pass, site) => {
      const { intake } = composedApps(site, SOUND)
      return (request) =>
        path.test(new URL(request.url).pathname) ? intake(request) : pass(request)
    },
  }
}

/** Listeners that serve what they should not. */
export const WORSE_DOORS: readonly RecordsMutant[] = [
  mutant(
    'rc-intake-for-tenants',
    'Journals are taken at the listener that tenants reach',
    ['rc-door-intake'],
    servingIntake(/^\/v1\/(?:journal|usage)/),
  ),
  mutant(
    'rc-operators-for-tenants',
    'Operators are served at the listener that tenants reach',
    ['rc-door-operators'],
    servingIntake(/^\/v1\/billing/),
  ),
  mutant(
    'rc-metrics-for-tenants',
    'Counts of all tenants are served at the listener that tenants reach',
    ['rc-door-metrics'],
    inFront((request, { ground }) =>
      new URL(request.url).pathname === '/metrics'
        ? new Response(
            ground.parties
              .map(({ tenant }) => `ringfence_requests_total{tenant="${tenant}"} 1\n`)
              .join(''),
          )
        : undefined,
    ),
  ),
  mutant(
    'rc-answer-timed-by-tenant',
    'A field of every answer says how long each tenant’s last one took',
    ['rc-answer-tells'],
    inFront(async (request, { ground }, pass) => {
      const answer = await pass(request)
      const headers = new Headers(answer.headers)
      const timing = ground.parties.map(({ tenant }) => `${tenant};dur=1`).join(', ')
      headers.set('server-timing', timing)
      return new Response(answer.body, { status: answer.status, headers })
    }),
  ),
  mutant(
    'rc-errors-name-others',
    'What is not found is said together with whose it could be',
    ['rc-answer-tells'],
    inFront(async (request, { ground }, pass) => {
      const answer = await pass(request)
      if (answer.status !== 404) return answer
      const known = ground.parties.map(({ tenant }) => tenant)
      return Response.json({ title: 'there is no such thing', known }, { status: 404 })
    }),
  ),
]
