import { z } from 'zod'
import type { LiveBoundary } from '../boundaries/boundary.ts'
import { exportStream, type ExportStream } from './export-stream.ts'
import { checked } from './operations.ts'
import * as wire from './wire.ts'

/** The caller names its export, to stop it by that name. */
const id = z.uuid()
const begin = z.strictObject({ tenant: wire.tenantId, id })
const stop = z.strictObject({ id })

/** The exports that are under way in a cell host. */
export class ExportDesk {
  readonly #running = new Map<string, ExportStream>()

  /** @throws RingfenceError `invalid_argument` */
  begin(
    boundary: LiveBoundary,
    input: unknown,
    onFailure: (error: unknown) => void,
  ): ReadableStream<Uint8Array> {
    const { tenant, id } = checked(begin, input)
    const running = exportStream((sink) => boundary.export(tenant, sink), onFailure)
    this.#running.set(id, running)
    void running.ended.then(() => this.#running.delete(id))
    return running.stream
  }

  /** On return the export holds nothing any more. Not an error if there is none. */
  async stop(input: unknown): Promise<void> {
    const running = this.#running.get(checked(stop, input).id)
    running?.stop()
    await running?.ended
  }
}
