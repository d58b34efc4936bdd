import { z } from 'zod'
import { SEVERITIES } from '../../alerts/alert.ts'
import type { Operation } from '../../http/described-routes.ts'
import {
  alertSinkInputSchema,
  alertSinkSettingsSchema,
  confirmationSchema,
} from './alert-sink-settings.ts'

const state = {
  name: z.string(),
  /** Addresses of mail that have not agreed. */
  unconfirmed: z.array(z.string()).optional(),
  delivered_at: z.iso.datetime().nullable(),
  last_error: z.string().nullable(),
  set_by: z.string(),
  set_at: z.iso.datetime(),
}
const sink = z.union(alertSinkSettingsSchema.options.map((one) => one.extend(state)))
const answers = { 200: { description: 'The sink, without its secrets.', schema: sink } }
const items = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item) })
const firing = z.strictObject({
  ...{ fingerprint: z.string(), name: z.string(), severity: z.enum(SEVERITIES) },
  labels: z.record(z.string(), z.string()),
  ...{ summary: z.string(), detail: z.string().nullable(), since: z.iso.datetime() },
})

/** What the routes of a tenant's alerts and their sinks take and answer. */
export const ALERT_OPERATIONS = {
  firing: {
    ...{ method: 'get', path: '/', id: 'listAlerts' },
    summary: 'What fires now.',
    answers: { 200: { description: 'All of it.', schema: items(firing) } },
  },
  list: {
    ...{ method: 'get', path: '/sinks', id: 'listAlertSinks' },
    summary: 'Where alerts are sent, and how that went.',
    answers: { 200: { description: 'All sinks.', schema: items(sink) } },
  },
  get: {
    ...{ method: 'get', path: '/sinks/{name}', id: 'getAlertSink', answers },
    summary: 'One sink.',
  },
  put: {
    ...{ method: 'put', path: '/sinks/{name}', id: 'putAlertSink', answers },
    summary: 'Make a sink, or change one: all of it, with its secrets.',
    body: { schema: alertSinkInputSchema },
    refusals: [409, 429],
  },
  confirm: {
    ...{ method: 'put', path: '/sinks/{name}/confirmation', id: 'confirmAddress', answers },
    summary: 'Have alerts mailed to an address, with the code that went there.',
    body: { schema: confirmationSchema },
  },
  remove: {
    ...{ method: 'delete', path: '/sinks/{name}', id: 'removeAlertSink' },
    summary: 'Send nothing there any more, what is on its way neither.',
    answers: { 204: { description: 'It is gone.' } },
  },
} as const satisfies Readonly<Record<string, Operation>>
