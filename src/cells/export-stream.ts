import type { ExportManifest, ExportSink } from '../boundaries/boundary.ts'
import { DATA_BYTES_MAX, encodeFrame } from './frames.ts'
import { failureOf } from './failure.ts'

/**
 * Turns an export into a stream of frames. The sink answers when the reader has taken the frame, so
 * that the export is no faster than its reader; one that goes away makes the export fail.
 */
export function exportStream(
  run: (sink: ExportSink) => Promise<ExportManifest>,
  onFailure: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  let wanted = Promise.withResolvers<void>()
  let gone = false
  return new ReadableStream<Uint8Array>(
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
            await send(encodeFrame('m', JSON.stringify(await run(sink))))
          } catch (error) {
            onFailure(error)
            if (!gone) await send(encodeFrame('e', JSON.stringify(failureOf(error))))
          }
          controller.close()
        }
        work().catch(() => {})
      },
      pull() {
        wanted.resolve()
      },
      cancel() {
        gone = true
        wanted.resolve()
      },
    },
    { highWaterMark: 0 },
  )
}
