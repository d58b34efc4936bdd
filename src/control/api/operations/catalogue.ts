import { createRoute, z } from '@hono/zod-openapi'
import { LEASE_TTL_SECONDS_MAX, LEASE_TTL_SECONDS_MIN } from '../../../core/lease.ts'
import { TIERS } from '../../../core/tenant.ts'
import { authenticated } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { cellField, planField, regionField } from '../fields.ts'
import { body, changeRefusals, guardedRefusals, json, scoped } from '../responses.ts'
import { cellSchema, pageSchema, planSchema } from '../schemas.ts'
import { wireCell, wirePlan } from '../wire.ts'

const tags = ['catalogue']
const CAPACITY_MAX = 1_000_000
const RATE_MAX = 10_000_000

const cellBody = z.strictObject({
  region: regionField,
  capacity: z.int().min(0).max(CAPACITY_MAX),
  open: z.boolean(),
})

const planBody = z.strictObject({
  tiers: z
    .array(z.enum(TIERS))
    .min(1)
    .max(TIERS.length)
    .refine((tiers) => new Set(tiers).size === tiers.length, 'each tier once'),
  requests_per_minute: z.int().min(1).max(RATE_MAX),
  leases_per_minute: z.int().min(1).max(RATE_MAX),
  lease_seconds_max: z.int().min(LEASE_TTL_SECONDS_MIN).max(LEASE_TTL_SECONDS_MAX),
  approval: z.boolean(),
})

/** Cells and plans. A PUT describes one whole, and can be repeated. */
export function addCatalogue(api: Api, parts: ApiParts): void {
  const { catalogue } = parts.plane
  const reading = {
    method: 'get',
    tags,
    security: scoped('tenants:read'),
    middleware: authenticated(parts, 'tenants:read'),
  } as const
  const writing = {
    method: 'put',
    tags,
    security: scoped('catalogue:write'),
    middleware: authenticated(parts, 'catalogue:write'),
  } as const
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/cells',
      operationId: 'listCells',
      summary: 'All cells, with how full they are.',
      responses: { 200: json('All of them.', pageSchema(cellSchema)), ...guardedRefusals() },
    }),
    async (context) => {
      const cells = await catalogue.cells()
      return context.json({ items: cells.map(wireCell), next: null }, 200)
    },
  )
  api.openapi(
    createRoute({
      ...writing,
      path: '/v1/cells/{cell}',
      operationId: 'putCell',
      summary: 'Make a cell known, or change its capacity or whether it takes new tenants.',
      request: { params: z.object({ cell: cellField }), body: body(cellBody) },
      responses: { 200: json('The cell.', cellSchema), ...changeRefusals() },
    }),
    async (context) => {
      const cell = await catalogue.putCell(
        { name: context.req.valid('param').cell, ...context.req.valid('json') },
        context.get('actor'),
      )
      return context.json(wireCell(cell), 200)
    },
  )
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/plans',
      operationId: 'listPlans',
      summary: 'All plans.',
      responses: { 200: json('All of them.', pageSchema(planSchema)), ...guardedRefusals() },
    }),
    async (context) => {
      const plans = await catalogue.plans()
      return context.json({ items: plans.map(wirePlan), next: null }, 200)
    },
  )
  api.openapi(
    createRoute({
      ...writing,
      path: '/v1/plans/{plan}',
      operationId: 'putPlan',
      summary: 'Make a plan, or change its limits.',
      request: { params: z.object({ plan: planField }), body: body(planBody) },
      responses: { 200: json('The plan.', planSchema), ...changeRefusals() },
    }),
    async (context) => {
      const plan = context.req.valid('json')
      const view = await catalogue.putPlan(
        {
          name: context.req.valid('param').plan,
          tiers: plan.tiers,
          requestsPerMinute: plan.requests_per_minute,
          leasesPerMinute: plan.leases_per_minute,
          leaseSecondsMax: plan.lease_seconds_max,
          approval: plan.approval,
        },
        context.get('actor'),
      )
      return context.json(wirePlan(view), 200)
    },
  )
}
