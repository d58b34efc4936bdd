import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { RingfenceError } from '../../core/errors.ts'
import type { Workflows } from '../control-plane.ts'
import type { ApiContext, ControlApiOptions } from './environment.ts'
import { wireWorkflow, wireWorkflowEvent } from './wire.ts'

const HEARTBEAT_MS = 15_000
const STREAM_MS_MAX = 900_000
const STREAMS_MAX = 256
/** How long a reader waits before it opens a stream again, in milliseconds. */
const RETRY_MS = 1000

/**
 * A workflow's events as server-sent events (HTML, section 9.2). A stream that ends without `end` was
 * cut off, by us (too old: its token may have ended by now) or on its way.
 */
export class EventStreams {
  readonly #workflows: Workflows
  readonly #options: ControlApiOptions
  #open = 0

  constructor(workflows: Workflows, options: ControlApiOptions) {
    this.#workflows = workflows
    this.#options = options
  }

  /**
   * @param mayGoOn asked before each event and sign of life: the reader's token may have ended
   * @throws RingfenceError `not_found`, `overloaded`
   */
  async open(
    context: ApiContext,
    workflow: string,
    after: number,
    mayGoOn: () => Promise<boolean>,
  ): Promise<Response> {
    if (this.#open >= (this.#options.streamsMax ?? STREAMS_MAX)) {
      throw new RingfenceError('overloaded', 'too many streams of events are open')
    }
    await this.#workflows.get(workflow)
    this.#open += 1
    const stop = new AbortController()
    const heartbeatMs = this.#options.heartbeatMs ?? HEARTBEAT_MS
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => stop.abort())
      const age = setTimeout(() => stop.abort(), this.#options.streamMsMax ?? STREAM_MS_MAX)
      const heartbeat = setInterval(() => void beat(stream, stop, mayGoOn), heartbeatMs)
      try {
        await stream.write(`retry: ${RETRY_MS}\n\n`)
        for await (const event of this.#workflows.events(workflow, after, stop.signal)) {
          if (stop.signal.aborted || !(await mayGoOn())) return
          const data = JSON.stringify(wireWorkflowEvent(event))
          await stream.writeSSE({ id: String(event.id), event: 'step', data })
        }
        const view = await this.#workflows.get(workflow)
        if (!stop.signal.aborted && view.endedAt !== undefined && (await mayGoOn())) {
          await stream.writeSSE({ event: 'end', data: JSON.stringify(wireWorkflow(view)) })
        }
      } catch (error) {
        // The stream ends without `end`, which tells the reader to come again.
        if (!stop.signal.aborted) this.#options.log?.(`events: ${codeOf(error)}`)
      } finally {
        clearTimeout(age)
        clearInterval(heartbeat)
        stop.abort()
        this.#open -= 1
      }
    })
  }
}

/** A sign of life, or the end of a stream whose reader may not read it any more. */
async function beat(
  stream: Pick<SSEStreamingApi, 'write'>,
  stop: AbortController,
  mayGoOn: () => Promise<boolean>,
): Promise<void> {
  // Nobody can be asked: the next event asks again.
  const may = await mayGoOn().catch(() => true)
  if (!may) stop.abort()
  else await stream.write(': here\n\n')
}

function codeOf(error: unknown): string {
  return error instanceof RingfenceError ? error.code : 'internal'
}
