import { z } from 'zod'
import { parseApiName, parseGuardrailName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'

/** What may be found in a body. */
export const PII_KINDS = [
  'ssn',
  'card',
  'phone',
  'email',
  'iban',
  'mrn',
  'npi',
  'birth-date',
  'name',
] as const

/** `redact` replaces what is found, `block` refuses the whole, `flag` lets it pass and says so. */
const actionSchema = z.enum(['redact', 'block', 'flag'])

const mediaType = z.string().regex(/^[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)$/)

const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('pii'),
    find: z.array(z.enum(PII_KINDS)).min(1),
    action: actionSchema,
  }),
  z.strictObject({
    kind: z.literal('topics'),
    topics: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
          /** Words and phrases, found as whole words, whatever their case and accents. */
          words: z.array(z.string().min(2).max(100)).min(1).max(500),
        }),
      )
      .min(1)
      .max(50),
    action: actionSchema,
  }),
  /** Which tools agents may see and call: `allow` empty means none. Names may end in `*`. */
  z.strictObject({
    kind: z.literal('tools'),
    allow: z.array(z.string().min(1).max(200)).optional(),
    deny: z.array(z.string().min(1).max(200)).optional(),
  }),
  z.strictObject({ kind: z.literal('size'), bytes: z.int().min(0) }),
  z.strictObject({ kind: z.literal('content-types'), allow: z.array(mediaType).min(1) }),
])

/** Rules about what passes. The platform's hold for every tenant and cannot be taken back by one. */
export const guardrailSpecSchema = z.strictObject({
  /** For these APIs only. Default: all. */
  apis: z.array(parsed(parseApiName)).optional(),
  direction: z.enum(['request', 'response', 'both']),
  rules: z.array(ruleSchema).min(1).max(50),
})

export const guardrailSchema = guardrailSpecSchema.extend({ name: parsed(parseGuardrailName) })

export type PiiKind = (typeof PII_KINDS)[number]
export type GuardrailAction = z.output<typeof actionSchema>
export type GuardrailRule = z.output<typeof ruleSchema>
export type GuardrailConfig = z.output<typeof guardrailSchema>
