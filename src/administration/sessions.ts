import { z } from 'zod'
import { anId, done, itemsOf, listed, text, time } from './fields.ts'
import { operation } from './operation.ts'

const sessionSchema = z
  .object({
    id: z.string(),
    user: z.string(),
    started_at: time,
    signed_in_at: time,
    seen_at: time,
    device: z.string().meta({ description: 'What the browser says it is, in two words. A guess.' }),
    address: z.string().nullable(),
    acr: z.string().nullable(),
    amr: z.array(z.string()),
    clients: z.array(z.object({ client: z.string(), sid: z.string() })),
  })
  .meta({ id: 'Session' })
export type WireSession = z.output<typeof sessionSchema>

const endedSchema = z
  .object({
    at: time,
    sessions: z.int().min(0).nullable().meta({
      description: 'How many there were; null where nobody counts them.',
    }),
  })
  .meta({ id: 'EndedSessions' })

const tag = 'realm sessions'
const of = { user: anId.optional(), client: z.string().max(200).optional() }

/** Browsers in which users are signed in. */
export const SESSION_OPERATIONS = {
  listSessions: operation({
    ...{ method: 'get', path: '/sessions', tag, status: 200 },
    summary: 'Sessions, the last signed in first: of the realm, a user, a client, a device.',
    input: z.strictObject({ ...of, device: text(200).optional(), ...listed }),
    output: itemsOf(sessionSchema),
    keyOf: ({ signed_in_at, id }: WireSession) =>
      `${Math.floor(Date.parse(signed_in_at) / 1_000)}.${id}`,
  }),
  getSession: operation({
    ...{ method: 'get', path: '/sessions/{session}', tag, status: 200 },
    summary: 'One session, by its id or by a `sid` of a token.',
    input: z.strictObject({ session: anId }),
    output: sessionSchema,
  }),
  endSession: operation({
    ...{ method: 'delete', path: '/sessions/{session}', tag, status: 200 },
    summary: 'End a session, and all that came of it, now.',
    input: z.strictObject({ session: anId }),
    output: done,
    act: 'session.end',
    recorded: ['session'],
  }),
  endSessions: operation({
    ...{ method: 'delete', path: '/sessions', tag, status: 200 },
    summary: 'End all of a user (also on one device alone), all that a client was given, or all.',
    input: z
      .strictObject({
        ...of,
        device: text(200).optional(),
        all: z.literal('true').optional().meta({ description: 'Of the whole realm.' }),
      })
      .refine(
        ({ user, client, all }) =>
          [user, client, all].filter((one) => one !== undefined).length === 1,
        { error: 'name one of user, client and all' },
      )
      .refine(({ user, device }) => device === undefined || user !== undefined, {
        path: ['device'],
        error: 'a device is a user’s',
      }),
    output: endedSchema,
    act: 'session.end-all',
    recorded: ['user', 'client', 'device', 'all'],
  }),
} as const
