import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { ChannelListener } from './channel-listener.ts'
import type { Page, PageRequest, WorkflowEvent, Workflows, WorkflowView } from './control-plane.ts'
import type { Cursors } from './cursor.ts'
import type { Database } from './database.ts'
import {
  findWorkflow,
  STEP_STATES,
  stepsOf,
  WORKFLOW_COLUMNS,
  workflowRowOf,
  workflowView,
} from './workflows/workflow-row.ts'

/** Longest wait for a notification, in milliseconds: one may be missed. */
const LOOK_AGAIN_MS = 2_000
const EVENTS_AT_ONCE = 500

const eventSchema = z.object({
  n: z.number(),
  at: z.date(),
  step: z.string(),
  state: z.enum([...STEP_STATES, 'waiting', 'succeeded', 'cancelled']),
  note: z.string().nullable(),
})

/** Workflows as their steps left them in the registry. */
export class RegisteredWorkflows implements Workflows {
  readonly #database: Database
  readonly #cursors: Cursors
  readonly #listener: ChannelListener

  constructor(database: Database, cursors: Cursors, listener: ChannelListener) {
    this.#database = database
    this.#cursors = cursors
    this.#listener = listener
  }

  async list(
    filter: Parameters<Workflows['list']>[0],
    page: PageRequest,
  ): Promise<Page<WorkflowView>> {
    const { tenant, state } = filter
    const list = `workflows ${JSON.stringify([tenant ?? null, state ?? null])}`
    const [after] = this.#cursors.read(list, page) ?? []
    const found = await this.#database.query(
      `select ${WORKFLOW_COLUMNS} from registry.workflow
        where ($1::text is null or tenant = $1) and ($2::text is null or state = $2)
          and ($3::bigint is null or seq < $3)
        order by seq desc limit $4`,
      [tenant ?? null, state ?? null, after ?? null, page.limit + 1],
    )
    const rows = found.map(workflowRowOf)
    const { items, next } = this.#cursors.page(
      list,
      page,
      rows,
      ({ seq }) => [seq],
      (row) => row,
    )
    const views = items.map(async (row) => workflowView(row, await stepsOf(this.#database, row.id)))
    return { items: await Promise.all(views), next }
  }

  async get(id: string): Promise<WorkflowView> {
    const row = await findWorkflow(this.#database, id)
    if (row === undefined) throw new RingfenceError('not_found', 'no such workflow')
    return workflowView(row, await stepsOf(this.#database, id))
  }

  async *events(id: string, after: number, signal: AbortSignal): AsyncIterable<WorkflowEvent> {
    let seen = after
    while (!signal.aborted) {
      // Before reading: what comes after the reading is heard.
      const news = new AbortController()
      const heard = this.#listener.next(id, LOOK_AGAIN_MS, AbortSignal.any([signal, news.signal]))
      try {
        // The state first: a workflow that has ended adds no event after it.
        const { state } = await this.get(id)
        const events = await this.#after(id, seen)
        for (const event of events) {
          yield event
          seen = event.id
        }
        if (events.length === EVENTS_AT_ONCE) continue
        if (state !== 'running' && state !== 'waiting') return
        await heard
      } finally {
        news.abort()
      }
    }
  }

  async #after(id: string, after: number): Promise<readonly WorkflowEvent[]> {
    // A reader may name any number: one beyond `int` is after all events, and no error.
    const rows = await this.#database.query(
      `select n, at, step, state, note from registry.workflow_event
        where workflow = $1 and n > $2::bigint order by n limit $3`,
      [id, after, EVENTS_AT_ONCE],
    )
    return rows.map((row) => {
      const { n, note, ...event } = eventSchema.parse(row)
      return { ...event, id: n, note: note ?? undefined }
    })
  }
}
