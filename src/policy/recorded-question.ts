import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { entityOfJson, fieldsOfJson } from './cedar/json-value.ts'
import { jsonOfFields, nameOf } from './cedar/json-of-value.ts'
import type { EntityRef, Value } from './cedar/value.ts'
import type { Decision } from './decision.ts'
import { ActionEntity, type Question } from './question.ts'

const nameSchema = z.strictObject({ type: z.string().max(200), id: z.string().max(700) })
const entitySchema = z.strictObject({
  ...nameSchema.shape,
  attrs: z.record(z.string(), z.json()).default({}),
  parents: z.array(nameSchema).max(200).default([]),
})

/**
 * One line of a recording: a question in Cedar's JSON form, with what was decided. It holds who did
 * what, when and from where: keep it as you keep logs.
 */
export const recordedSchema = z.strictObject({
  at: z.iso.datetime().optional(),
  tenant: z.string().max(63),
  requestId: z.string().max(200).optional(),
  principal: entitySchema,
  action: z.strictObject({ ...nameSchema.shape, parents: z.array(nameSchema).max(10).default([]) }),
  resource: entitySchema,
  context: z.record(z.string(), z.json()).default({}),
  decision: z.enum(['allow', 'deny']).optional(),
  policies: z.array(z.string()).optional(),
})

export type RecordedQuestion = z.output<typeof recordedSchema>
type Json = RecordedQuestion['context']

export interface Occasion {
  readonly tenant: string
  readonly requestId: string
  readonly at: Date
}

/** The line of a recording for a question. */
export function recordingOf(question: Question, decision: Decision, occasion: Occasion): string {
  const { principal, action, resource, context } = question
  return JSON.stringify({
    at: occasion.at.toISOString(),
    tenant: occasion.tenant,
    requestId: occasion.requestId,
    principal: entity(principal),
    action: { ...nameOf(action.ref), parents: action.parents.map(nameOf) },
    resource: entity(resource),
    context: jsonOfFields(context) as Json,
    decision: decision.allowed ? 'allow' : 'deny',
    policies: [...decision.policies],
  } satisfies RecordedQuestion)
}

function entity({ ref, attributes, parents }: Question['resource']) {
  return {
    ...nameOf(ref),
    attrs: jsonOfFields(attributes) as Json,
    parents: parents.map(nameOf),
  }
}

/** Reads a recording. @throws RingfenceError `invalid_argument` that names the line */
export function readRecording(text: string): readonly RecordedQuestion[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [recordedSchema.parse(JSON.parse(line))]
    } catch (error) {
      throw new RingfenceError('invalid_argument', `line ${index + 1} is no recorded question`, {
        cause: error,
      })
    }
  })
}

/** @throws RingfenceError `invalid_argument` */
export function questionOf({ principal, action, resource, context }: RecordedQuestion): Question {
  return {
    principal: readEntity(principal),
    action: new ActionEntity(refOf(action), action.parents.map(refOf)),
    resource: readEntity(resource),
    context: fieldsOfJson(context),
  }
}

function readEntity({ type, id, attrs, parents }: RecordedQuestion['resource']) {
  const attributes: ReadonlyMap<string, Value> = fieldsOfJson(attrs)
  return { ref: refOf({ type, id }), attributes, parents: parents.map(refOf) }
}

function refOf({ type, id }: { readonly type: string; readonly id: string }): EntityRef {
  return entityOfJson({ type, id })
}
