import { z } from '@hono/zod-openapi'
import { ERROR_CODES } from '../../core/errors.ts'
import { SCOPES } from '../../core/lease.ts'
import { SUPPORT_POLICIES, SUPPORT_STATES } from '../../core/support-terms.ts'
import { TIERS } from '../../core/tenant.ts'
import { OPERATOR_SCOPES, TENANT_STATUSES, WORKFLOW_KINDS } from '../control-plane.ts'
import { GUARDED_KINDS } from '../operators/guarded-acts.ts'
import { OPERATOR_ROLES } from '../operators/roles.ts'

/**
 * What the control API answers, as both its server and its clients know it. Names are in snake case;
 * what there is not is null, so that every answer of a kind has the same fields. Times are RFC 3339.
 */

const time = z.iso.datetime()
const STEP_STATES = ['pending', 'running', 'done', 'failed'] as const
export const WORKFLOW_STATES = ['running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const
export const APPROVAL_STATES = ['pending', 'approved', 'refused', 'expired'] as const

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(ERROR_CODES),
    request_id: z.string().optional(),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z
            .string()
            .openapi({ description: 'A JSON pointer into that part: `#/hosts/0`' }),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .openapi('Problem', { description: 'RFC 9457. `docs/errors.md` explains each code.' })
export type WireProblem = z.infer<typeof problemSchema>

export const tenantSchema = z
  .object({
    id: z.string(),
    display_name: z.string(),
    tier: z.enum(TIERS),
    region: z.string(),
    plan: z.string(),
    status: z.enum(TENANT_STATUSES),
    cell: z.string().nullable(),
    issuer: z.string().nullable(),
    hosts: z.array(z.string()),
    legal_hold: z.boolean(),
    failure: z
      .object({ workflow: z.string(), step: z.string(), why: z.string() })
      .nullable()
      .openapi({ description: 'Where the newest workflow failed; null when nothing did.' }),
    created_at: time,
    changed_at: time,
    revision: z.number().int(),
  })
  .openapi('Tenant')
export type WireTenant = z.infer<typeof tenantSchema>

export const statusChangeSchema = z
  .object({
    at: time,
    from: z.enum(TENANT_STATUSES).nullable(),
    to: z.enum(TENANT_STATUSES),
    by: z.string(),
    why: z.string(),
  })
  .openapi('StatusChange')

export const workflowSchema = z
  .object({
    id: z.string(),
    kind: z.enum(WORKFLOW_KINDS),
    tenant: z.string(),
    state: z.enum(WORKFLOW_STATES),
    step: z.string().nullable(),
    steps: z.array(
      z.object({
        name: z.string(),
        state: z.enum(STEP_STATES),
        started_at: time.nullable(),
        ended_at: time.nullable(),
        note: z.string().nullable(),
      }),
    ),
    error: z.string().nullable(),
    by: z.string(),
    started_at: time,
    ended_at: time.nullable(),
    result: z.unknown().openapi({
      description: 'What it gave: a manifest of an export, the verification of a move.',
    }),
  })
  .openapi('Workflow')
export type WireWorkflow = z.infer<typeof workflowSchema>

export const workflowEventSchema = z
  .object({
    id: z.number().int(),
    at: time,
    step: z.string(),
    state: z.enum([...STEP_STATES, 'waiting', 'succeeded', 'cancelled']),
    note: z.string().nullable(),
  })
  .openapi('WorkflowEvent')
export type WireWorkflowEvent = z.infer<typeof workflowEventSchema>

export const approvalSchema = z
  .object({
    id: z.string(),
    workflow: z
      .string()
      .nullable()
      .openapi({ description: 'What waits for it; null for an act that is done by asking again.' }),
    tenant: z.string().nullable(),
    kind: z.enum([...WORKFLOW_KINDS, ...GUARDED_KINDS]),
    subject: z.string().nullable(),
    summary: z.string().nullable(),
    requested_by: z.string(),
    requested_at: time,
    expires_at: time,
    state: z.enum(APPROVAL_STATES),
    decided_by: z.string().nullable(),
    decided_at: time.nullable(),
    comment: z.string().nullable(),
    external_ref: z.string().nullable(),
  })
  .openapi('Approval')
export type WireApproval = z.infer<typeof approvalSchema>

export const leaseSchema = z
  .object({
    lease_id: z.string(),
    tenant: z.string(),
    scope: z.enum(SCOPES),
    holder: z.string(),
    issued_at: time,
    expires_at: time,
    ended_at: time.nullable(),
    ended_why: z.string().nullable(),
  })
  .openapi('LeaseRecord')

export const revocationSchema = z
  .object({ leases: z.array(z.string()), sessions_ended: z.number().int() })
  .openapi('Revocation')

export const cellSchema = z
  .object({
    name: z.string(),
    region: z.string(),
    capacity: z.number().int(),
    tenants: z.number().int(),
    open: z.boolean(),
  })
  .openapi('Cell')

export const planSchema = z
  .object({
    name: z.string(),
    tiers: z.array(z.enum(TIERS)),
    requests_per_minute: z.number().int(),
    leases_per_minute: z.number().int(),
    lease_seconds_max: z.number().int(),
    approval: z.boolean(),
  })
  .openapi('Plan')

export const operatorSchema = z
  .object({
    name: z.string(),
    scopes: z.array(z.enum(OPERATOR_SCOPES)),
    created_at: time,
    expires_at: time.nullable(),
    revoked_at: time.nullable(),
    owner: z
      .string()
      .nullable()
      .openapi({ description: 'The person behind the token; null when nobody is known.' }),
    tenant: z
      .string()
      .nullable()
      .openapi({ description: 'Whose administrators have it; null: the platform’s operators.' }),
    last_used_at: time.nullable(),
  })
  .openapi('Operator')

export const newOperatorSchema = z
  .object({
    operator: operatorSchema,
    token: z.string().openapi({ description: 'Shown here and never again.' }),
  })
  .openapi('NewOperator')

export const personSchema = z
  .object({
    subject: z.string(),
    email: z.string().nullable(),
    display_name: z.string().nullable(),
    roles: z.array(z.enum(OPERATOR_ROLES)),
    active: z.boolean(),
    created_at: time,
  })
  .openapi('Person')

export const supportSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    operator: z.string(),
    scope: z.enum(SCOPES),
    seconds: z.number().int(),
    reason: z.string(),
    policy: z.enum(SUPPORT_POLICIES),
    state: z.enum(SUPPORT_STATES),
    alone: z.boolean().openapi({
      description: 'There was nobody yet who could have been a second person.',
    }),
    requested_by: z.string(),
    requested_at: time,
    decide_by: time,
    approval: z.string().nullable(),
    approved_by: z.string().nullable(),
    consented_by: z.string().nullable(),
    ends_at: time.nullable(),
    changes: z.array(
      z.object({
        at: time,
        from: z.enum(SUPPORT_STATES).nullable(),
        to: z.enum(SUPPORT_STATES),
        by: z.string(),
        why: z.string(),
      }),
    ),
  })
  .openapi('SupportAccess')
export type WireSupport = z.infer<typeof supportSchema>

export const supportKeySchema = z
  .object({ tenant: z.string(), token: z.string(), expires_at: time })
  .openapi('SupportKey')

export const supportPolicySchema = z
  .object({ tenant: z.string(), policy: z.enum(SUPPORT_POLICIES) })
  .openapi('SupportPolicy')

export const signInSchema = z
  .object({
    issuer: z.string(),
    audience: z.string(),
    client: z.string(),
  })
  .openapi('SignIn')

export const callerSchema = z
  .object({
    name: z.string(),
    person: z
      .string()
      .nullable()
      .openapi({ description: 'Who stands behind it; null when nobody is known.' }),
    scopes: z.array(z.enum(OPERATOR_SCOPES)),
    roles: z.array(z.enum(OPERATOR_ROLES)),
    two_factors: z.boolean().nullable().openapi({ description: 'null for a token.' }),
  })
  .openapi('Caller')
export type WireCaller = z.infer<typeof callerSchema>

export const fourEyesSchema = z
  .object({
    since: time.nullable().openapi({
      description:
        'Since when nobody does a guarded act alone; null while there is no second person.',
    }),
  })
  .openapi('FourEyes')

export const revokedSchema = z.object({ at: time }).openapi('Revoked')

export const jobContextsSchema = z
  .object({
    items: z.array(z.object({ tenant: z.string(), token: z.string(), expires_at: time })),
  })
  .openapi('JobContexts')

export const decidedSchema = z
  .object({ approval: z.string(), state: z.enum(APPROVAL_STATES) })
  .openapi('Decided')

export const healthSchema = z
  .object({ status: z.literal('ok'), version: z.string() })
  .openapi('Health')

/** A page of a list. `next` is null on the last; the `Link` header names it as well. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() })
}
