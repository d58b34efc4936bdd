import { createHash, type Hash, randomUUID } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import type { ExportManifest, ExportSink } from '../boundaries/boundary.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { type Address, call } from '../http/call.ts'
import { errorFrom, fromJson } from './failure.ts'
import { readFrames } from './frames.ts'
import { pathOf } from './operations.ts'
import * as wire from './wire.ts'

/** A sink may be slow, and so may be the engine. Milliseconds of silence. */
const TIMEOUT_MS = 24 * 3600_000

/** Streams an export out of a cell host into a sink, which is called as an engine would call it. */
export async function remoteExport(
  address: Address,
  tenant: TenantId,
  sink: ExportSink,
): Promise<ExportManifest> {
  const id = randomUUID()
  const response = await open(address, JSON.stringify({ tenant, id }))
  try {
    if (response.statusCode !== 200) throw errorFrom(await textOf(response))
    return await take(response, sink)
  } catch (error) {
    // What the export held, a lease of its own above all, is to be gone when the caller learns of it.
    await stop(address, id).catch(() => {})
    throw error
  } finally {
    response.destroy()
  }
}

async function stop(address: Address, id: string): Promise<void> {
  await call(address, { method: 'POST', path: pathOf('stopExport'), body: JSON.stringify({ id }) })
}

async function take(response: IncomingMessage, sink: ExportSink): Promise<ExportManifest> {
  const hashes = new Map<string, string>()
  let item: { readonly name: string; readonly hash: Hash } | undefined
  for await (const { kind, bytes } of readFrames(lasting(response))) {
    const text = () => Buffer.from(bytes).toString()
    if (kind === 'o') {
      item = { name: text(), hash: createHash('sha256') }
      await sink.open(item.name)
    } else if (kind === 'd') {
      item?.hash.update(bytes)
      await sink.write(bytes)
    } else if (kind === 'c') {
      if (item !== undefined) hashes.set(item.name, item.hash.digest('hex'))
      await sink.close(text())
    } else if (kind === 'e') {
      throw errorFrom(text())
    } else {
      const { data: manifest } = wire.manifest.safeParse(fromJson(text()))
      const arrived =
        manifest?.items.length === hashes.size &&
        manifest.items.every((one) => hashes.get(one.item) === one.sha256)
      if (arrived) return manifest
      throw new RingfenceError('internal', 'the export did not arrive as it was sent')
    }
  }
  throw new RingfenceError('engine_unavailable', 'the cell host went away during the export')
}

/** What arrives, until the host goes away. */
async function* lasting(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array
  } catch (error) {
    throw unavailable(error)
  }
}

function open(address: Address, body: string): Promise<IncomingMessage> {
  const socketPath = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
  const url = new URL(pathOf('export'), socketPath === undefined ? address : 'http://localhost')
  return new Promise((resolve, reject) => {
    const sending = request(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        timeout: TIMEOUT_MS,
        ...(socketPath === undefined ? {} : { socketPath }),
      },
      resolve,
    )
    sending.on('timeout', () => sending.destroy(new Error('silence')))
    sending.on('error', (error) => reject(unavailable(error)))
    sending.end(body)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of lasting(response)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function unavailable(error: unknown): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the cell host does not answer', {
    detail: messageOf(error),
    cause: error,
  })
}
