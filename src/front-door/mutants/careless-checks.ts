import { z } from 'zod'
import { unauthenticated } from '../../gateway/denial.ts'
import type { GatewayCheck } from '../../gateway/check.ts'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import { ACCESS_TOKEN_SECONDS_MAX } from '../../tokens/access-token.ts'
import type { PublicJwk } from '../../tokens/signing-key.ts'
import type { Check } from '../../vending/checks.ts'
import { Refusal } from '../../vending/refusal.ts'
import { ACCESS_TYP, ASSERTION_TYP, CONTEXT_TYP, JOB_TYP } from '../house/claims.ts'
import { VENDING_AUDIENCE } from '../house/ground.ts'
import { type Carelessness, carelessVerify } from '../../strikes/careless-verify.ts'

const CONTEXT_RULES = {
  request: { typ: CONTEXT_TYP, issuer: 'ringfence-gateway', secondsMax: 60 },
  job: { typ: JOB_TYP, issuer: 'ringfence-control', secondsMax: 3_600 },
} as const

export interface CarelessToken {
  readonly amiss?: Carelessness
  /** Keys of all realms in one set, by kid. */
  readonly pooledKeys?: boolean
  /** Remembers a token that was valid, and not for which tenant. */
  readonly remembersTokenAlone?: boolean
}

/** In the place of the gateway's check `token`. */
export function carelessToken(how: CarelessToken): GatewayCheck {
  const remembered = new Set<string>()
  return {
    name: 'token',
    run({ token, tenant, claimed, configuration }) {
      if (how.remembersTokenAlone === true && remembered.has(token)) return
      const realms: readonly TenantConfig[] =
        how.pooledKeys === true
          ? [...configuration.tenants()]
          : tenant === undefined
            ? []
            : [tenant]
      try {
        carelessVerify(
          token,
          realms.flatMap(({ keys }) => keys),
          {
            typ: ACCESS_TYP,
            issuer: claimed?.issuer ?? '',
            audience: configuration.platform.audience,
            secondsMax: ACCESS_TOKEN_SECONDS_MAX,
          },
          how.amiss,
        )
      } catch {
        throw unauthenticated('token', true)
      }
      remembered.add(token)
    },
  }
}

/** In the place of vending's check `client-assertion`. */
export function carelessAssertion(amiss?: Carelessness | 'subject'): Check {
  return {
    name: 'client-assertion',
    stage: 'who',
    layer: 'client',
    run(attempt) {
      const { assertion, workload } = attempt
      const rules = {
        typ: ASSERTION_TYP,
        issuer: workload?.client ?? '',
        audience: VENDING_AUDIENCE,
        secondsMax: 60,
      }
      const keys = workload?.keys ?? []
      try {
        const claims = carelessVerify(
          assertion.text,
          keys,
          rules,
          amiss === 'subject' ? undefined : amiss,
        )
        if (amiss !== 'subject' && claims['sub'] !== workload?.client) throw new Error('subject')
      } catch {
        throw new Refusal('invalid_client', 'client', 'assertion')
      }
      attempt.verified.client = true
    },
  }
}

/** In the place of vending's check `context-signature`. */
export function carelessContext(amiss?: Carelessness | 'one-key-set'): Check {
  return {
    name: 'context-signature',
    stage: 'who',
    layer: 'context',
    run(attempt) {
      const { contextKeys, jobKeys } = attempt.configuration.platform
      const { kind, service } = attempt.context
      try {
        verifyContextCarelessly(attempt.token, { contextKeys, jobKeys, kind, service }, amiss)
      } catch {
        throw new Refusal('invalid_grant', 'context', 'not-valid')
      }
      attempt.verified.context = true
    },
  }
}

interface ContextQuestion {
  readonly contextKeys: readonly PublicJwk[]
  readonly jobKeys: readonly PublicJwk[]
  readonly kind: 'request' | 'job'
  readonly service: string
}

/** @throws RingfenceError `invalid_token` */
export function verifyContextCarelessly(
  token: string,
  { contextKeys, jobKeys, kind, service }: ContextQuestion,
  amiss?: Carelessness | 'one-key-set',
): Readonly<Record<string, unknown>> {
  const one = amiss === 'one-key-set'
  const own = kind === 'job' ? jobKeys : contextKeys
  const claims = carelessVerify(
    token,
    one ? [...contextKeys, ...jobKeys] : own,
    { ...CONTEXT_RULES[kind], audience: service },
    one ? undefined : amiss,
  )
  contextSchema.parse(claims)
  return claims
}

const contextSchema = z.object({
  tenant_id: z.string(),
  scope: z.string().regex(/^(?:read|write|read write)$/),
  request_id: z.string().min(1),
})
