import { z } from 'zod'
import { auditEntrySchema } from '../../audit/entry.ts'
import type { Operation } from '../../http/described-routes.ts'
import { filterSchema } from './entry-filter.ts'

/** What the routes of a log take and answer, whosever it is. */

const entry = z.strictObject({
  index: z.int(),
  leaf_hash: z.string(),
  entry: auditEntrySchema.nullable(),
})
const filter = filterSchema.shape
const cursor = z.string().optional()

export const LOG_OPERATIONS = {
  get: {
    ...{ method: 'get', path: '/', id: 'getLog' },
    summary: 'The log’s name, the keys that have signed it, and its newest checkpoint.',
    answers: {
      200: {
        description: 'The log.',
        schema: z.strictObject({
          log: z.string(),
          keys: z.array(z.string()),
          checkpoint: z.string().nullable(),
        }),
      },
    },
  },
  entries: {
    ...{ method: 'get', path: '/entries', id: 'listEntries' },
    summary: 'Entries, also those that are looked for.',
    query: {
      ...{ limit: z.string().optional(), cursor, order: z.enum(['newest', 'oldest']).optional() },
      ...filter,
    },
    answers: {
      200: {
        description: 'A page of them, and where the next one begins. What was erased is null.',
        schema: z.strictObject({ items: z.array(entry), next: z.string().optional() }),
      },
    },
  },
  entry: {
    ...{ method: 'get', path: '/entries/{index}', id: 'getEntry' },
    summary: 'One entry.',
    answers: { 200: { description: 'The entry.', schema: entry } },
  },
  follow: {
    ...{ method: 'get', path: '/follow', id: 'followLog' },
    summary: 'Entries as they come, as server-sent events.',
    query: { cursor, ...filter },
    headers: { 'last-event-id': z.string().optional() },
    answers: {
      200: { description: 'It goes on until somebody ends it.', type: 'text/event-stream' },
    },
    refusals: [429],
  },
  export: {
    ...{ method: 'get', path: '/export', id: 'exportLog' },
    summary: 'All entries, or those that are looked for, a line each.',
    query: { format: z.enum(['ndjson', 'ocsf']).default('ndjson'), ...filter },
    answers: { 200: { description: 'JSON lines.', type: 'application/x-ndjson' } },
  },
  checkpoint: {
    ...{ method: 'get', path: '/checkpoint', id: 'getCheckpoint' },
    summary:
      'The newest checkpoint, or the newest with so many cosignatures (C2SP tlog-checkpoint).',
    query: { cosignatures: z.string().optional() },
    answers: { 200: { description: 'A signed note.', type: 'text/plain' } },
  },
  keys: {
    ...{ method: 'get', path: '/keys', id: 'getKeys' },
    summary: 'The keys that sign the log, each vouched for by the one before.',
    answers: { 200: { description: 'For verifiers.', schema: z.unknown() } },
  },
  tile: {
    ...{ method: 'get', path: '/tile/{path}', deep: true, id: 'getTile' },
    summary: 'A part of the tree, or of its entries (C2SP tlog-tiles).',
    answers: { 200: { description: 'It never changes.', type: 'application/octet-stream' } },
  },
} as const satisfies Readonly<Record<string, Operation>>
