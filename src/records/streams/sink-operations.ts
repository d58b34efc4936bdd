import { z } from 'zod'
import type { Operation } from '../../http/described-routes.ts'
import { sinkInputSchema, sinkSettingsSchema } from './sink-settings.ts'

const state = {
  name: z.string(),
  position: z.int(),
  waiting: z.int(),
  state: z.enum(['streaming', 'failing', 'stopped']),
  attempts: z.int(),
  last_error: z.string().nullable(),
  delivered_at: z.iso.datetime().nullable(),
  set_by: z.string(),
  set_at: z.iso.datetime(),
}
const sink = z.union(sinkSettingsSchema.options.map((one) => one.extend(state)))
const answers = { 200: { description: 'The sink, without its secrets.', schema: sink } }

/** What the routes of a log's sinks take and answer. */
export const SINK_OPERATIONS = {
  list: {
    ...{ method: 'get', path: '/', id: 'listLogSinks' },
    summary: 'Where the log is sent, and how far.',
    answers: {
      200: { description: 'All sinks.', schema: z.strictObject({ items: z.array(sink) }) },
    },
  },
  get: {
    ...{ method: 'get', path: '/{name}', id: 'getLogSink', answers },
    summary: 'One sink.',
  },
  put: {
    ...{ method: 'put', path: '/{name}', id: 'putLogSink', answers, refusals: [409] },
    summary: 'Make a sink, or change one: all of it, with its secrets.',
    body: { schema: sinkInputSchema },
  },
  remove: {
    ...{ method: 'delete', path: '/{name}', id: 'removeLogSink' },
    summary: 'Send nothing there any more.',
    answers: { 204: { description: 'It is gone.' } },
  },
} as const satisfies Readonly<Record<string, Operation>>
