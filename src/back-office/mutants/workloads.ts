import type { Jobs } from '../../control/control-plane.ts'
import { RingfenceError } from '../../core/errors.ts'
import { type Carelessness, carelessVerify } from '../../strikes/careless-verify.ts'
import { ASSERTION_AUDIENCE, type Ground } from '../house/ground.ts'
import { instead, mutant, type OfficeMutant, worsePlane } from './office-mutant.ts'

const SECONDS_MAX = 60
/** What a verifier has no part in. */
const AROUND = ['subject', 'replay', 'keys'] as const
type Around = (typeof AROUND)[number]
type Amiss = Carelessness | Around

function isAround(amiss: Amiss | undefined): amiss is Around {
  return AROUND.some((one) => one === amiss)
}

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
        (amiss === 'keys' ? workloads : [issuer]).map(({ key }) => key.publicJwk),
        {
          typ: 'client-authentication+jwt',
          issuer: issuer.client,
          audience: ASSERTION_AUDIENCE,
          secondsMax: SECONDS_MAX,
        },
        isAround(amiss) ? undefined : amiss,
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
  assertions('keys', "Assertions with any workload's key", 'ca-assertion-other-key', 'keys'),
  assertions('subject', 'Assertions about somebody else', 'ca-assertion-other-subject', 'subject'),
  assertions('replay', 'Assertions are good again and again', 'ca-assertion-replayed', 'replay'),
]
