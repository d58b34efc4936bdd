import { AsyncLocalStorage } from 'node:async_hooks'
import type { Actor } from '../../control/control-plane.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type ServiceName } from '../../core/names.ts'
import { forge } from '../../strikes/forge.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { signContext } from '../../tokens/tenant-context.ts'
import { instead, mutant, type OfficeMutant, worseFront, worsePlane } from './office-mutant.ts'

/** A life that the API takes. */
const SOME_SECONDS = 60

interface Asked {
  readonly service: ServiceName
  readonly seconds: number
}

/** What a request asks for, whatever became of it on its way. */
const asked = new AsyncLocalStorage<Asked>()
const asOperator = (by: Actor): Actor => ({ ...by, kind: 'operator' })

/** Notes what a request asks for, and puts what the API takes in its place. */
function noting(taken: Partial<Asked> = {}) {
  return worseFront(async (request, api) => {
    if (!request.url.endsWith('/v1/job-contexts')) return api(request)
    const wanted = JSON.parse(await request.text()) as Asked
    const body = JSON.stringify({ ...wanted, ...taken })
    const { url, method, headers } = request
    return asked.run(wanted, async () => api(new Request(url, { method, headers, body })))
  })
}

/** The same context with another life: what signs contexts would not sign it. */
function livingFor(seconds: number, token: string, key: SigningKey): string {
  const [header = '', payload = ''] = token
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString())
  const claims = JSON.parse(payload) as { readonly iat: number }
  return forge(key, header, { ...claims, exp: claims.iat + seconds })
}

export const CONTEXT_MUTANTS: readonly OfficeMutant[] = [
  mutant(
    'ca-contexts-any-scope',
    'Job contexts of any scope for a workload',
    ['ca-context-wider-scope'],
    worsePlane(({ jobs }) => ({
      jobs: instead(jobs, { contexts: (request, by) => jobs.contexts(request, asOperator(by)) }),
    })),
  ),
  mutant('ca-contexts-any-service', 'Job contexts for any service', ['ca-context-other-service'], {
    ...worsePlane(({ jobs }) => ({
      jobs: instead(jobs, {
        authenticate: async (assertion, requestId) => {
          const actor = await jobs.authenticate(assertion, requestId)
          return { ...actor, service: asked.getStore()?.service ?? actor.service }
        },
        contexts: (request, by) => jobs.contexts(request, asOperator(by)),
      }),
    })),
    ...noting(),
  }),
  mutant(
    'ca-contexts-any-life',
    'Job contexts that live as long as they are asked to',
    ['ca-context-too-long'],
    {
      ...worsePlane(({ jobs }, { ground }) => ({
        jobs: instead(jobs, {
          contexts: async (request, by) => {
            const { seconds } = asked.getStore() ?? request
            const expiresAt = new Date(Date.now() + seconds * 1000)
            return (await jobs.contexts(request, by)).map(({ tenant, token }) => ({
              tenant,
              token: livingFor(seconds, token, ground.keys.job),
              expiresAt,
            }))
          },
        }),
      })),
      ...noting({ seconds: SOME_SECONDS }),
    },
  ),
  mutant(
    'ca-contexts-unserved',
    'Job contexts for tenants that are not served',
    ['ca-context-suspended', 'ca-context-half-built'],
    worsePlane(({ jobs, tenants }, { ground }) => ({
      jobs: instead(jobs, {
        contexts: async (request, by) => {
          const { service, scopes, seconds, job } = request
          const expiresAt = new Date(Date.now() + seconds * 1000)
          const named = request.tenants ?? []
          await Promise.all(named.map((tenant) => tenants.get(tenant)))
          return Promise.all(
            named.map(async (tenant) => ({
              tenant,
              expiresAt,
              token: await signContext(
                ground.keys.job,
                {
                  kind: 'job',
                  tenant,
                  service,
                  subject: parseSubject(`job:${job}`),
                  scopes,
                  roles: [],
                  requestId: by.requestId,
                },
                seconds,
              ),
            })),
          )
        },
      }),
    })),
  ),
  mutant(
    'ca-contexts-tell-why',
    'A refused job context says that the tenant is there',
    ['ca-exists-by-job'],
    worsePlane(({ jobs, tenants }) => ({
      jobs: instead(jobs, {
        contexts: async (request, by) => {
          const [tenant] = request.tenants ?? []
          const there = tenant && (await tenants.get(tenant).catch(() => undefined))
          if (there && there.status !== 'active') {
            throw new RingfenceError('conflict', `the tenant is ${there.status}`)
          }
          return jobs.contexts(request, by)
        },
      }),
    })),
  ),
]
