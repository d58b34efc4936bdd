import { randomBytes } from 'node:crypto'
import type { Said } from '../../strikes/wire.ts'
import { ServerTelemetry } from '../../telemetry/server-telemetry.ts'
import { Sampler } from '../../telemetry/traces/sampler.ts'
import type { SpanRecord } from '../../telemetry/traces/span.ts'
import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import { attack, type FrontDoorAttack, must } from './attack.ts'
import { bothWays, byPath, call, type Way } from './calls.ts'

/** Traces of one tenant in a second that are kept for the asking. */
const KEPT = 5

const hex = (bytes: number) => randomBytes(bytes).toString('hex')
const parent = (traceId: string, spanId: string) =>
  ['traceparent', `00-${traceId}-${spanId}-01`] as const

type Fields = NonNullable<Said['headers']>

/** A front door whose spans come here, in one second that does not end. */
async function traced(duel: Duel) {
  const spans: SpanRecord[] = []
  const telemetry = new ServerTelemetry({
    ...{ plane: 'gateway', name: 'ringfence.gateway' },
    sampler: new Sampler({ ratio: 0, parentsPerSecond: KEPT, now: () => 0 }),
    spans: { add: (span) => void spans.push(span) },
  })
  const door = await duel.branch({ telemetry })
  const ended = () => telemetry.counts().reduce((sum, { requests }) => sum + requests, 0)
  /** A request that is at its end, in what was counted too. */
  const asked = async (by: 'attacker' | 'victim', way: Way, fields: Fields): Promise<void> => {
    const token = await accessToken(duel[by])
    const before = ended()
    const [wire, mark] =
      by === 'attacker' ? [duel.wire, duel.mark] : ([duel.own, duel.ownMark] as const)
    const { status } = await call(wire, door, way, mark, { token, headers: fields })
    must(status === 200, 'be answered')
    await door.until(() => ended() > before)
  }
  return { spans, asked }
}

const named = ({ attributes }: SpanRecord) => Object.values(attributes).map(String)

/** The owner's request is a span of the owner's trace, and of its tenant. @returns the trace's id */
async function ownerIsTraced(duel: Duel): Promise<string> {
  const { asked, spans } = await traced(duel)
  const [traceId, spanId] = [hex(16), hex(8)]
  await asked('victim', byPath(duel.victim), [parent(traceId, spanId)])
  const [span] = spans
  must(span?.traceId === traceId && named(span).includes(duel.victim.tenant), 'find its span')
  return traceId
}

/** What is exported of requests, by which readers of traces tell tenants apart. */
export const TRACES: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-trace-tenant',
      title: "One's own requests in another tenant's traces, by what trace fields say",
      kind: 'write',
      references: ['HT-7'],
    },
    {
      async owner(duel) {
        await ownerIsTraced(duel)
        return 'a request of the owner is a span of its tenant'
      },
      async attempt(duel) {
        const { attacker, victim } = duel
        const { asked, spans } = await traced(duel)
        const traceId = hex(16)
        // The victim has begun it: the attacker may have seen its id in a log, or guessed it.
        await asked('victim', byPath(victim), [parent(traceId, hex(8))])
        const own: string[] = []
        const { tenant } = victim
        for (const way of bothWays(attacker)) {
          const spanId = hex(8)
          own.push(spanId)
          await asked('attacker', way, [
            parent(traceId, spanId),
            ['tracestate', `ringfence=tenant:${tenant},tenant.id=${tenant}`],
            ['baggage', `tenant.id=${tenant},ringfence.tenant=${tenant},tenant=${tenant}`],
            ['x-tenant-id', tenant],
          ])
        }
        const found = spans.filter(({ parentSpanId }) => own.includes(parentSpanId ?? ''))
        const crossed = found.some((span) => named(span).includes(tenant))
        const rightly = found.filter((span) => named(span).includes(attacker.tenant)).length
        must(found.length === own.length, 'find its own spans')
        return { crossed: crossed || rightly < own.length, met: `${rightly} spans of its own` }
      },
    },
  ),
  attack(
    {
      id: 'fd-trace-budget',
      title: "Asking for so many traces that another tenant's are not kept",
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      async owner(duel) {
        await ownerIsTraced(duel)
        return 'a trace of the owner was kept because it asked for it'
      },
      async attempt(duel) {
        const { attacker, victim } = duel
        const { asked, spans } = await traced(duel)
        for (let turn = 0; turn < 2 * KEPT; turn += 1) {
          await asked('attacker', byPath(attacker), [parent(hex(16), hex(8))])
        }
        const kept = spans.length
        const traceId = hex(16)
        await asked('victim', byPath(victim), [parent(traceId, hex(8))])
        const crossed = !spans.some((span) => span.traceId === traceId) || kept > KEPT
        return { crossed, met: `${kept} of ${2 * KEPT} were kept, and the owner’s too` }
      },
    },
  ),
]
