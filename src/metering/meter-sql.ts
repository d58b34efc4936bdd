import type { MeterCondition, MeterConfig } from '../contracts/meter.ts'

/** A meter as parts of statements over `usage.event e`. Everything of a manifest travels as a parameter. */
export interface MeterSql {
  /** Whether an event is the meter's. */
  readonly where: string
  /** The values of its groups, a JSON array in text. */
  readonly group: string
  /** Millionths; null where there is no amount. One million for each event of a meter that counts. */
  readonly micros: string
  /** What a meter of unique values tells apart; null where there is nothing. */
  readonly member: string
  /** For `$n` from the number on that was given. */
  readonly values: readonly unknown[]
}

const ATTRIBUTES: Readonly<Record<string, string>> = {
  '@subject': 'e.subject',
  '@source': 'e.source',
  '@grantid': 'e.grant_id',
  '@tenantcontextid': 'e.context_tenant',
}

/** @param first the number of the first parameter */
export function meterSql(meter: MeterConfig, first: number): MeterSql {
  const values: unknown[] = []
  const parameter = (value: unknown, type: string) => {
    values.push(value)
    return `$${first + values.length - 1}::${type}`
  }
  const textOf = (property: string) =>
    ATTRIBUTES[property] ?? `(e.data ->> ${parameter(property, 'text')})`
  const jsonOf = (property: string) => {
    const attribute = ATTRIBUTES[property]
    return attribute === undefined
      ? `(e.data -> ${parameter(property, 'text')})`
      : `to_jsonb(${attribute})`
  }
  const holds = (condition: MeterCondition) => {
    const text = textOf(condition.property)
    const plain = plainCondition(condition, text, parameter)
    return condition.not === true ? `not ${plain}` : plain
  }
  const all = (conditions: readonly MeterCondition[]) => conditions.map(holds).join(' and ')
  const where = [`e.type = any(${parameter(meter.events, 'text[]')})`, 'not e.voids']
  if (meter.where !== undefined && meter.where.length > 0) where.push(all(meter.where))
  for (const rule of meter.exclude ?? []) where.push(`not (${all(rule.where)})`)
  const groups = (meter.groupBy ?? []).map((key) => `coalesce(${textOf(key)}, '')`)
  const { aggregation, value = '' } = meter
  return {
    where: where.join(' and '),
    group: `jsonb_build_array(${groups.join(', ')})::text`,
    micros: aggregation === 'count' ? '1000000' : `usage.micros(${jsonOf(value)})`,
    member: aggregation === 'unique' ? hashOf(textOf(value)) : 'null::uuid',
    values,
  }
}

function plainCondition(
  { in: some, startsWith, present }: MeterCondition,
  text: string,
  parameter: (value: unknown, type: string) => string,
): string {
  if (some !== undefined) {
    return `coalesce(${text} = any(${parameter(some.map(String), 'text[]')}), false)`
  }
  if (startsWith !== undefined) {
    return `coalesce(starts_with(${text}, ${parameter(startsWith, 'text')}), false)`
  }
  return `${text} is ${present === true ? 'not null' : 'null'}`
}

/** Not a shorter hash: whoever reports chooses the values, and two that meet would be billed as one. */
const hashOf = (text: string) =>
  `encode(substring(sha256(convert_to(${text}, 'UTF8')) for 16), 'hex')::uuid`
