import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { EndedRequest, ServerTelemetry } from '../../telemetry/server-telemetry.ts'
import type { Pieces } from '../house/pieces.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

type Worse = Partial<Pick<ServerTelemetry, 'ended' | 'keeps'>>

/** A gateway whose telemetry does some things worse, and the others as it does. */
function recording(worse: (sound: ServerTelemetry) => Worse) {
  return ({ openGateway }: Pieces): Partial<Pieces> => ({
    openGateway: ({ telemetry, ...options }) =>
      openGateway({
        ...options,
        ...(telemetry === undefined ? {} : { telemetry: inPlaceOf(telemetry, worse(telemetry)) }),
      }),
  })
}

function inPlaceOf(sound: ServerTelemetry, worse: Worse): ServerTelemetry {
  return new Proxy(sound, {
    get(target, name) {
      const own: unknown = Reflect.get(worse, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function tenantIn(state: string | undefined): TenantId | undefined {
  const [, name] = /(?:^|,)ringfence=tenant:([a-z0-9-]+)/.exec(state ?? '') ?? []
  return name === undefined ? undefined : parseTenantId(name)
}

/** Whose a trace is, by whoever began it. */
function ofWhoeverBegan(sound: ServerTelemetry): Worse {
  const owners = new Map<string, TenantId | undefined>()
  return {
    ended(request: EndedRequest) {
      const { trace, tenant } = request
      if (trace === undefined) return sound.ended(request)
      if (!owners.has(trace.traceId)) owners.set(trace.traceId, tenant)
      return sound.ended({ ...request, tenant: owners.get(trace.traceId) })
    },
  }
}

/** Traces that are told apart by what callers say. */
export const TRACE_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-trace-state-believed',
    'A trace says by its state which tenant it is of',
    ['fd-trace-tenant'],
    recording((sound) => ({
      ended: (request) =>
        sound.ended({ ...request, tenant: tenantIn(request.trace?.state) ?? request.tenant }),
    })),
  ),
  mutant(
    'fd-trace-of-whoever-began',
    'All spans of a trace are of the tenant that its first was of',
    ['fd-trace-tenant'],
    recording(ofWhoeverBegan),
  ),
  mutant(
    'fd-trace-budget-shared',
    'So many traces are kept for the asking, whoever asks',
    ['fd-trace-budget'],
    recording((sound) => ({
      keeps: (_tenant, traceId, parentSampled) => sound.keeps(undefined, traceId, parentSampled),
    })),
  ),
]
