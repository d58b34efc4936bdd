import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'
import { problemResponse } from '../http/problem.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import type { Decision } from './decision.ts'
import { type Asker, type DecisionPoint, NO_POLICIES } from './decision-point.ts'
import { actionSchema, contextSchema, resourceSchema } from './service-question.ts'

const BODY_BYTES_MAX = 1_048_576
const EVALUATIONS_MAX = 100
const EVALUATION = '/access/v1/evaluation'
const EVALUATIONS = '/access/v1/evaluations'
export const METADATA_PATH = '/.well-known/authzen-configuration'

const subjectSchema = z.object({ type: z.string().max(200), id: z.string().max(500) })

const evaluationSchema = z.object({
  subject: subjectSchema,
  action: actionSchema,
  resource: resourceSchema,
  context: contextSchema,
})

/** What stands once for all is left out of each. */
const evaluationsSchema = z.object({
  subject: z.unknown().optional(),
  action: z.unknown().optional(),
  resource: z.unknown().optional(),
  context: z.unknown().optional(),
  evaluations: z.array(z.record(z.string(), z.unknown())).max(EVALUATIONS_MAX).optional(),
  options: z
    .object({
      evaluations_semantic: z
        .enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])
        .optional(),
    })
    .optional(),
})

type Evaluation = z.output<typeof evaluationSchema>

/**
 * Decisions for services by the AuthZEN Authorization API 1.0. Who asks is shown by a client assertion
 * (`Authorization: Bearer`), for whom by a tenant context; the body decides neither.
 * @param url where services reach it, for its metadata
 * @param log gets one line of JSON a decision
 */
export function authzenApp(
  point: DecisionPoint,
  { url, log }: { readonly url: string; readonly log: (line: string) => void },
): Hono {
  const app = new Hono()
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => problemResponse(new RingfenceError('too_large', 'the question is too long')),
    }),
  )
  app.get(METADATA_PATH, (context) =>
    context.json({
      policy_decision_point: url,
      access_evaluation_endpoint: new URL(EVALUATION, url).href,
      access_evaluations_endpoint: new URL(EVALUATIONS, url).href,
    }),
  )
  app.post(EVALUATION, async (context) => {
    const { raw } = context.req
    const asker = await askerOf(raw, point)
    const evaluation = evaluationOf(await bodyOf(raw))
    return answer(raw, answerOf(await decide(evaluation, asker, point, log)))
  })
  app.post(EVALUATIONS, async (context) => {
    const { raw } = context.req
    const asker = await askerOf(raw, point)
    const asked = read(evaluationsSchema, await bodyOf(raw))
    if (asked.evaluations === undefined || asked.evaluations.length === 0) {
      return answer(raw, answerOf(await decide(evaluationOf(asked), asker, point, log)))
    }
    const { evaluations, options, ...common } = asked
    const last = LAST[options?.evaluations_semantic ?? 'execute_all']
    const decisions: Decision[] = []
    for (const own of evaluations) {
      const decision = await decide(evaluationOf({ ...common, ...own }), asker, point, log)
      decisions.push(decision)
      if (decision.allowed === last) break
    }
    return answer(raw, { evaluations: decisions.map(answerOf) })
  })
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error) => problemResponse(error))
  return app
}

/** After which decision the rest is not asked. */
const LAST = {
  execute_all: undefined,
  deny_on_first_deny: false,
  permit_on_first_permit: true,
} as const

async function askerOf(request: Request, point: DecisionPoint): Promise<Asker> {
  const [, assertion = ''] =
    /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  const token = request.headers.get(CONTEXT_HEADER) ?? ''
  try {
    return await point.asker(assertion, token)
  } catch (error) {
    // One answer, whichever of the two is not good.
    if (error instanceof RingfenceError && error.code === 'invalid_token') {
      throw new RingfenceError('not_authenticated', 'this needs a client assertion and a context', {
        detail: error.detail ?? messageOf(error),
      })
    }
    throw error
  }
}

async function bodyOf(request: Request): Promise<unknown> {
  const text = await request.text()
  try {
    return parseStrictJson(text)
  } catch (error) {
    throw new RingfenceError('invalid_argument', 'the question is not JSON', { cause: error })
  }
}

function evaluationOf(json: unknown): Evaluation {
  return read(evaluationSchema, json)
}

function read<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'not of this form'}`)
}

async function decide(
  { subject, ...asking }: Evaluation,
  asker: Asker,
  point: DecisionPoint,
  log: (line: string) => void,
): Promise<Decision> {
  const { context, workload } = asker
  // Of nobody else is anything known here.
  const isCaller = subject.id === context.subject
  const decision = isCaller ? await point.decide(asker, asking) : ANOTHER
  log(
    JSON.stringify({
      time: new Date().toISOString(),
      request_id: context.requestId,
      tenant: context.tenant,
      subject: context.subject,
      workload: workload.client,
      action: asking.action.name,
      resource_type: asking.resource.type,
      decision: decision.allowed ? 'allow' : 'deny',
      policies: decision.policies,
      reason: decision.reason,
    }),
  )
  return decision
}

const ANOTHER: Decision = {
  allowed: false,
  policies: [],
  reason: 'the subject is not whom the context is about',
  errors: [],
}

/** Why stays in our log: a service passes on what it is told. */
function answerOf(decision: Decision) {
  const { allowed } = decision
  return decision === NO_POLICIES
    ? { decision: allowed, context: { reason: 'no_policies' } }
    : { decision: allowed }
}

function answer(request: Request, body: object): Response {
  const id = request.headers.get('x-request-id')
  const echo = id !== null && /^[\x21-\x7e]{1,200}$/.test(id) ? { 'x-request-id': id } : {}
  return Response.json(body, { headers: { 'cache-control': 'no-store', ...echo } })
}
