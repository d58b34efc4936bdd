import { z } from '@hono/zod-openapi'
import { MANIFEST_KINDS } from '../../manifests/kinds.ts'

/** What the control API says of manifests. What is inside a manifest has its own names, in camel case. */

const time = z.iso.datetime()
const CHANGES = ['created', 'configured', 'unchanged', 'removed', 'kept'] as const

export const manifestForm = z
  .strictObject({
    apiVersion: z.string(),
    kind: z.enum(MANIFEST_KINDS),
    metadata: z.strictObject({ name: z.string(), tenant: z.string().optional() }),
    spec: z.record(z.string(), z.unknown()),
  })
  .openapi('Manifest', { description: '`docs/schemas` has a JSON Schema for each kind.' })

export const objectSchema = z
  .object({
    manifest: manifestForm,
    generation: z.number().int().openapi({
      description: 'Grows with each change. 0: it is registered, and was never applied.',
    }),
    hash: z.string(),
    set: z.string().nullable(),
    created_at: time,
    changed_at: time,
    by: z.string().nullable(),
    why: z.string().nullable(),
  })
  .openapi('DeclaredObject')
export type WireObject = z.infer<typeof objectSchema>

export const generationSchema = z
  .object({
    generation: z.number().int(),
    act: z.enum(['created', 'configured', 'removed']),
    hash: z.string(),
    set: z.string().nullable(),
    at: time,
    by: z.string(),
    why: z.string(),
  })
  .openapi('Generation')

const differenceSchema = z
  .object({
    path: z.string(),
    before: z.unknown().openapi({ description: 'null: it was not there.' }),
    after: z.unknown().openapi({ description: 'null: it is not there.' }),
  })
  .openapi('Difference')
export type WireDifference = z.infer<typeof differenceSchema>

export const objectChangeSchema = z
  .object({
    kind: z.enum(MANIFEST_KINDS),
    name: z.string(),
    tenant: z.string().nullable(),
    change: z.enum(CHANGES),
    generation: z.number().int(),
    workflow: z.string().nullable().openapi({ description: 'The onboarding that began with it.' }),
    diff: z.array(differenceSchema),
  })
  .openapi('ObjectChange')
export type WireObjectChange = z.infer<typeof objectChangeSchema>

export const appliedSchema = z
  .object({
    dry_run: z.boolean(),
    version: z.number().int().openapi({ description: 'Of the configuration that is in force.' }),
    changes: z.array(objectChangeSchema),
  })
  .openapi('Applied')

export type WireApplied = z.infer<typeof appliedSchema>

export const driftSchema = z
  .object({
    version: z.number().int(),
    refusal: z
      .string()
      .nullable()
      .openapi({ description: 'Why the chain is not to be believed; null when it is.' }),
    entries: z.array(
      z.object({
        tenant: z.string().nullable().openapi({ description: 'null: the platform itself.' }),
        diff: z.array(differenceSchema).openapi({
          description: 'From what is in force to what was declared.',
        }),
      }),
    ),
  })
  .openapi('Drift')
export type WireDrift = z.infer<typeof driftSchema>
