import type { ApiConfig } from '../contracts/contract.ts'
import type { LimitConfig } from '../contracts/limit.ts'
import { INTEGER_MAX } from './rate-limit-fields.ts'
import { derived } from '../snapshot/derived.ts'
import type { PlanConfig, TenantConfig } from '../snapshot/snapshot.ts'
import { type CountedPer, type LimitId, limitId, type LimitSource } from './limit-key.ts'
import type { QuotaSpec } from './quota-count.ts'
import type { RateSpec } from './rate-count.ts'

interface Named {
  readonly id: LimitId
  readonly per: CountedPer
  /** What callers know it by. */
  readonly label: string
}

export interface RateLimit extends Named {
  readonly spec: RateSpec
  /** Its member of `RateLimit-Policy`. */
  readonly policy: string
  readonly shared: boolean
}

export interface QuotaLimit extends Named {
  readonly spec: QuotaSpec
  readonly unit: 'requests' | 'bytes' | 'cost'
  readonly policy: string
  readonly shared: boolean
}

export interface ConcurrencyLimit extends Named {
  readonly requests: number
  /** Whether it is counted for the API that is called, or written there: for no other request. */
  readonly ofApi: boolean
  /** Divided among the gateways that there are. */
  readonly shared: boolean
}

/** All limits that hold for a request, whoever makes it. */
export interface LimitSet {
  readonly rates: readonly RateLimit[]
  readonly quotas: readonly QuotaLimit[]
  readonly concurrency: readonly ConcurrencyLimit[]
}

interface TenantLimits {
  readonly common: LimitSet
  /** Filled as they are asked for. The keys are those of the tenant's own surface. */
  readonly byApi: WeakMap<ApiConfig, LimitSet>
}

const PERIOD_SECONDS = { minute: 60, hour: 3_600, day: 86_400, month: 31 * 86_400 } as const

const tenantLimits = derived((tenant, platform): TenantLimits => {
  const plan = platform.plans.find(({ name }) => name === tenant.plan)
  return { common: setOf(commonLimits(tenant, plan)), byApi: new WeakMap() }
})

/** @param api undefined where what is called is none of the tenant's APIs */
export function limitsOf(
  configuration: Parameters<typeof tenantLimits>[0],
  tenant: TenantConfig,
  api: ApiConfig | undefined,
): LimitSet {
  const { common, byApi } = tenantLimits(configuration, tenant)
  if (api?.limits === undefined) return common
  let own = byApi.get(api)
  if (own === undefined) {
    const source: LimitSource = { from: 'api', api: api.name }
    const added = setOf(api.limits.map((limit) => ({ source, label: `${api.name}/`, limit })))
    own = {
      rates: [...common.rates, ...added.rates],
      quotas: [...common.quotas, ...added.quotas],
      concurrency: [...common.concurrency, ...added.concurrency],
    }
    byApi.set(api, own)
  }
  return own
}

interface Written {
  readonly source: LimitSource
  /** What stands before its name. */
  readonly label: string
  readonly limit: LimitConfig
}

function commonLimits(tenant: TenantConfig, plan: PlanConfig | undefined): readonly Written[] {
  const base: readonly Written[] =
    plan === undefined
      ? []
      : [
          {
            source: { from: 'base' },
            label: '',
            limit: {
              kind: 'rate',
              name: plan.name,
              per: 'tenant',
              requests: plan.requestsPerMinute,
              seconds: 60,
              shared: true,
            },
          },
        ]
  return [
    ...base,
    ...(plan?.limits ?? []).map((limit) => ({
      source: { from: 'plan' as const },
      label: 'plan/',
      limit,
    })),
    ...(tenant.limits ?? []).map((limit) => ({
      source: { from: 'tenant' as const },
      label: 'tenant/',
      limit,
    })),
  ]
}

function setOf(written: readonly Written[]): LimitSet {
  const rates: RateLimit[] = []
  const quotas: QuotaLimit[] = []
  const concurrency: ConcurrencyLimit[] = []
  for (const { source, label: before, limit } of written) {
    const { per, name } = limit
    const label = `${before}${name}`
    const named = {
      id: limitId(source, limit.kind, name),
      per,
      label,
      shared: limit.shared === true,
    }
    switch (limit.kind) {
      case 'rate': {
        const { requests, seconds, burst = requests } = limit
        rates.push({
          ...named,
          spec: { kind: 'rate', everyMs: (seconds * 1000) / requests, burst },
          policy: policyOf(label, requests, seconds),
        })
        break
      }
      case 'quota': {
        const { unit, amount, period } = limit
        const said = unit === 'requests' ? '' : `;qu="${UNITS[unit]}"`
        quotas.push({
          ...named,
          unit,
          spec: { kind: 'quota', amount, period },
          policy: policyOf(label, amount, PERIOD_SECONDS[period]) + said,
        })
        break
      }
      case 'concurrency':
        concurrency.push({
          ...named,
          requests: limit.requests,
          ofApi: source.from === 'api' || per === 'api',
        })
    }
  }
  return { rates, quotas, concurrency }
}

/** As the draft registers them; what a request costs is our own. */
const UNITS = { bytes: 'content-bytes', cost: 'ringfence-cost' } as const

function policyOf(label: string, quota: number, seconds: number): string {
  return `"${label}";q=${Math.min(quota, INTEGER_MAX)};w=${seconds}`
}
