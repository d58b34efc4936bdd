import type { ExportManifest, ExportSink } from '../boundaries/boundary.ts'
import { DATA_BYTES_MAX, encodeFrame } from './frames.ts'
import { failureOf } from './failure.ts'

export interface ExportStream {
  readonly stream: ReadableStream<Uint8Array>
  /** Settles when the export has ended, well or not, and has let go of what it held. */
  readonly ended: Promise<void>
  /** Makes the export fail, as its sink would, if it has not ended. */
  stop(): void
}

/**
 * Turns an export into a stream of frames. The sink answers when the reader has taken the frame, so
 * that the export is no faster than its reader; one that goes away makes the export fail.
 */
export function exportStream(
  run: (sink: ExportSink) => Promise<ExportManifest>,
  onFailure: (error: unknown) => void,
): ExportStream {
  const end = Promise.withResolvers<void>()
  let wanted = Promise.withResolvers<void>()
  let gone = false
  const stop = () => {
    gone = true
    wanted.resolve()
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = async (frame: Uint8Array) => {
          await wanted.promise
          if (gone) throw new Error('the reader of the export went away')
          wanted = Promise.withResolvers<void>()
          controller.enqueue(frame)
        }
        const sink: ExportSink = {
          open: (item) => send(encodeFrame('o', item)),
          close: (item) => send(encodeFrame('c', item)),
          async write(chunk) {
            for (let from = 0; from < chunk.length; from += DATA_BYTES_MAX) {
              await send(encodeFrame('d', chunk.subarray(from, from + DATA_BYTES_MAX)))
            }
          },
        }
        const work = async () => {
          try {
            const manifest = await run(sink).finally(() => end.resolve())
            await send(encodeFrame('m', JSON.stringify(manifest)))
          } catch (error) {
            if (!gone) {
              onFailure(error)
              await send(encodeFrame('e', JSON.stringify(failureOf(error))))
            }
          }
          controller.close()
        }
        // Closing fails when the reader has cancelled, who knows.
        work().catch(() => {})
      },
      pull() {
        wanted.resolve()
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  )
  return { stream, ended: end.promise, stop }
}
