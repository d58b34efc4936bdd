import { z } from 'zod'
import { parseMeterName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'

/** How events become a quantity. Each is exact. */
export const AGGREGATIONS = ['sum', 'count', 'max', 'unique', 'latest'] as const
export type Aggregation = (typeof AGGREGATIONS)[number]

/** A property of an event's data, or `@subject` and the like. */
const propertySchema = z
  .string()
  .regex(/^(?:@(?:subject|source|grantid|tenantcontextid)|[A-Za-z_][A-Za-z0-9_.-]{0,79})$/)

const scalar = z.union([z.string().max(500), z.number(), z.boolean()])

/** What an event says of one property. A property that is not there is like none of the values. */
const conditionSchema = z
  .strictObject({
    property: propertySchema,
    in: z.array(scalar).min(1).max(200).optional(),
    startsWith: z.string().min(1).max(500).optional(),
    present: z.boolean().optional(),
    /** Turns it round. */
    not: z.boolean().optional(),
  })
  .refine(
    (one) => [one.in, one.startsWith, one.present].filter((way) => way !== undefined).length === 1,
    'a condition has one of in, startsWith, present',
  )

const conditions = z.array(conditionSchema).max(20)

const meterShape = z.strictObject({
  /** What people read on an invoice. */
  description: z.string().min(1).max(200).optional(),
  /** Of one: `request`, `byte`, `GB-hour`. */
  unit: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9 ./-]*$/)
    .max(40),
  /** Types of the events that it counts. */
  events: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/)
        .max(256),
    )
    .min(1)
    .max(20),
  aggregation: z.enum(AGGREGATIONS),
  /** What is added up, compared, or told apart. `count` has none. */
  value: propertySchema.optional(),
  /** All must hold. */
  where: conditions.optional(),
  /** What is not counted, by rule: health checks, internal calls, a partner's sync. One that holds is enough. */
  exclude: z
    .array(
      z.strictObject({
        reason: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
        where: conditions.min(1),
      }),
    )
    .max(20)
    .optional(),
  /** Readings are told apart by them. */
  groupBy: z
    .array(propertySchema)
    .max(5)
    .refine((keys) => new Set(keys).size === keys.length, 'each key once')
    .optional(),
})

const valueFits = ({ aggregation, value }: z.output<typeof meterShape>) =>
  (aggregation === 'count') === (value === undefined)
const VALUE_MISFITS = 'count has no value; sum, max, unique and latest have one'

export const meterSpecSchema = meterShape.refine(valueFits, {
  error: VALUE_MISFITS,
  path: ['value'],
})

export const meterSchema = meterShape
  .extend({ name: parsed(parseMeterName) })
  .refine(valueFits, { error: VALUE_MISFITS, path: ['value'] })

export type MeterCondition = z.output<typeof conditionSchema>
/** What is measured of every tenant. It is the platform's: a tenant cannot change what it is billed by. */
export type MeterConfig = z.output<typeof meterSchema>
