import { AsyncLocalStorage } from 'node:async_hooks'
import type { Actor, Jobs } from '../../control/control-plane.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type ServiceName } from '../../core/names.ts'
import { type Carelessness, carelessVerify } from '../../strikes/careless-verify.ts'
import { signContext } from '../../tokens/tenant-context.ts'
import { ASSERTION_AUDIENCE, type Ground } from '../house/ground.ts'
import { instead, mutant, type OfficeMutant, worseFront, worsePlane } from './office-mutant.ts'

const SECONDS_MAX = 60
type Amiss = Carelessness | 'subject' | 'replay'

/** Client assertions, read by hand, with one thing amiss, or none. */
export function carelessWorkloads(ground: Ground, amiss?: Amiss): Jobs['authenticate'] {
  const used = new Set<string>()
  const workloads = Object.values(ground.workloads)
  return async (assertion, requestId) => {
    try {
      const [, payload = ''] = assertion.split('.')
      const claimed: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
      const { iss, sub } = claimed as { iss?: unknown; sub?: unknown }
      const issuer = workloads.find(({ client }) => client === iss)
      if (issuer === undefined || (amiss !== 'subject' && sub !== iss)) throw new Error('who is it')
      const claims = carelessVerify(
        assertion,
        [issuer.key.publicJwk],
        {
          typ: 'client-authentication+jwt',
          issuer: issuer.client,
          audience: ASSERTION_AUDIENCE,
          secondsMax: SECONDS_MAX,
        },
        amiss === 'subject' || amiss === 'replay' ? undefined : amiss,
      )
      const jti = String(claims['jti'])
      if (amiss !== 'replay' && used.has(jti)) throw new Error('used before')
      used.add(jti)
      const named = workloads.find(({ client }) => client === sub) ?? issuer
      const { client: name, service } = named
      return { kind: 'workload', name, scopes: ['jobs:write'], requestId, service }
    } catch (error) {
      throw new RingfenceError('not_authenticated', 'the assertion is not valid', { cause: error })
    }
  }
}

function assertions(id: string, title: string, noticedBy: string, amiss: Amiss): OfficeMutant {
  return mutant(
    `ca-assertions-${id}`,
    title,
    [noticedBy],
    worsePlane(({ jobs }, { ground }) => ({
      jobs: instead(jobs, { authenticate: carelessWorkloads(ground, amiss) }),
    })),
  )
}

/** For whichever service a request asks. */
const wanted = new AsyncLocalStorage<ServiceName>()
const asOperator = (by: Actor): Actor => ({ ...by, kind: 'operator' })

export const WORKLOAD_MUTANTS: readonly OfficeMutant[] = [
  assertions('typ', 'Anything that a workload signed', 'ca-assertion-typ', 'typ'),
  assertions('audience', 'Assertions for anybody', 'ca-assertion-other-audience', 'audience'),
  assertions(
    'audience-lists',
    'Assertions for several',
    'ca-assertion-other-audience',
    'audience-lists',
  ),
  assertions('expiry', 'Assertions that never end', 'ca-assertion-times', 'expiry'),
  assertions(
    'lifetime',
    'Assertions that live as long as they say',
    'ca-assertion-times',
    'lifetime',
  ),
  assertions('unsigned', 'Assertions with alg none', 'ca-assertion-alg', 'unsigned'),
  assertions('secret', 'The algorithm taken from the assertion', 'ca-assertion-alg', 'secret'),
  assertions(
    'own-key',
    'The key taken from the assertion',
    'ca-assertion-own-key-inside',
    'own-key',
  ),
  assertions('subject', 'Assertions about somebody else', 'ca-assertion-other-subject', 'subject'),
  assertions('replay', 'Assertions are good again and again', 'ca-assertion-replayed', 'replay'),
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
          return { ...actor, service: wanted.getStore() ?? actor.service }
        },
        contexts: (request, by) => jobs.contexts(request, asOperator(by)),
      }),
    })),
    ...worseFront(async (request, api) => {
      if (!request.url.endsWith('/v1/job-contexts')) return api(request)
      const text = await request.text()
      const { service } = JSON.parse(text) as { service: ServiceName }
      const { url, method, headers } = request
      return wanted.run(service, async () => api(new Request(url, { method, headers, body: text })))
    }),
  }),
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
