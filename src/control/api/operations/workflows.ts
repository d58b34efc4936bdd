import { createRoute, z } from '@hono/zod-openapi'
import { authenticated, mayGoOn } from '../authenticate.ts'
import type { Api, ApiParts } from '../environment.ts'
import { EventStreams } from '../event-streams.ts'
import { given, idField, pageOf, pageQuery, tenantIdField } from '../fields.ts'
import { nextLink } from '../next-link.ts'
import { guardedRefusals, json, linkHeader, scoped } from '../responses.ts'
import { pageSchema, WORKFLOW_STATES, workflowSchema } from '../schemas.ts'
import { wireWorkflow } from '../wire.ts'

const tags = ['workflows']
const params = z.object({ workflow: idField })

/** What is under way or was done, and its progress as it happens. */
export function addWorkflows(api: Api, parts: ApiParts): void {
  const { workflows } = parts.plane
  const streams = new EventStreams(workflows, parts.options)
  const reading = {
    method: 'get',
    tags,
    security: scoped('tenants:read'),
    middleware: authenticated(parts, 'tenants:read'),
  } as const
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/workflows',
      operationId: 'listWorkflows',
      summary: 'All workflows, newest first.',
      request: {
        query: z.strictObject({
          tenant: tenantIdField.optional(),
          state: z.enum(WORKFLOW_STATES).optional(),
          ...pageQuery,
        }),
      },
      responses: {
        200: { ...json('A page of workflows.', pageSchema(workflowSchema)), headers: linkHeader },
        ...guardedRefusals(),
      },
    }),
    async (context) => {
      const { tenant, state, ...query } = context.req.valid('query')
      const page = await workflows.list(given({ tenant, state }), pageOf(query))
      return context.json(
        { items: page.items.map(wireWorkflow), next: page.next ?? null },
        200,
        nextLink(context, page.next),
      )
    },
  )
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/workflows/{workflow}',
      operationId: 'getWorkflow',
      summary: 'One workflow and its steps.',
      request: { params },
      responses: { 200: json('The workflow.', workflowSchema), ...guardedRefusals(404) },
    }),
    async (context) =>
      context.json(wireWorkflow(await workflows.get(context.req.valid('param').workflow)), 200),
  )
  api.openapi(
    createRoute({
      ...reading,
      path: '/v1/workflows/{workflow}/events',
      operationId: 'watchWorkflow',
      summary: 'Progress as it happens, as server-sent events.',
      description:
        'Each event is a `WorkflowEvent` in JSON whose `id` counts up. A reader that lost its connection sends the last id in `Last-Event-ID` and goes on from there. Comments come as signs of life. When the workflow has ended, an event `end` carries the workflow, and the stream ends; a stream that ends without it is to be opened again.',
      request: {
        params,
        headers: z.object({
          'Last-Event-ID': z
            .string()
            .regex(/^\d{1,15}$/, 'the id of an event')
            .optional(),
        }),
      },
      responses: {
        200: {
          description: 'The stream.',
          content: { 'text/event-stream': { schema: z.string() } },
        },
        ...guardedRefusals(404),
      },
    }),
    async (context) => {
      const { workflow } = context.req.valid('param')
      const after = Number(context.req.valid('header')['Last-Event-ID'] ?? '0')
      return streams.open(context, workflow, after, mayGoOn(parts, context, 'tenants:read'))
    },
  )
}
