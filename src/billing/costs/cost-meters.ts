import { type MeterConfig, meterSchema } from '../../contracts/meter.ts'
import type { CostKind } from './cost-source.ts'

/** Whole units of a meter's millionths. */
const MICROS = 1_000_000n

const EGRESS = meterSchema.parse({
  name: 'ringfence-egress',
  description: 'Bytes of bodies that gateways sent to callers',
  unit: 'byte',
  events: ['dev.ringfence.request'],
  aggregation: 'sum',
  value: 'response_bytes',
})
const GATEWAY_TIME = meterSchema.parse({
  name: 'ringfence-gateway-time',
  description: 'Processor time of gateways',
  unit: 'microsecond',
  events: ['dev.ringfence.gateway-time'],
  aggregation: 'sum',
  value: 'cpu_us',
})

/** What gateways cost, by the usage that they enter anyway: measured beside the platform's own meters. */
export const COST_METERS: readonly MeterConfig[] = [EGRESS, GATEWAY_TIME]

/** Which meter measures a kind of cost; the others are read where they come about. */
export const METER_OF: Readonly<Partial<Record<CostKind, string>>> = {
  egress: EGRESS.name,
  gateway: GATEWAY_TIME.name,
}

/** The platform's meters and these. One of theirs by the same name is left out. */
export function withCostMeters(meters: readonly MeterConfig[]): readonly MeterConfig[] {
  const ours = new Set<string>(COST_METERS.map(({ name }) => name))
  return [...meters.filter(({ name }) => !ours.has(name)), ...COST_METERS]
}

/** Bytes or microseconds of a meter's quantity; parts of one are not kept. */
export const wholeOf = (quantity: bigint): bigint => quantity / MICROS
