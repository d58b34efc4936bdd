import { gunzipSync } from 'node:zlib'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { checkRegoModule } from './rego-module.ts'

/** What `opa build -t wasm` makes. */
export interface RegoBundle {
  readonly module: Uint8Array
  /** The bundle's `data.json`. */
  readonly data: unknown
}

const BLOCK = 512
/** More than any bundle is when it is unpacked. */
const BYTES_MAX = 20_000_000

/**
 * Reads a bundle, or a module without one.
 * @param base64 of the `.tar.gz`, or of the `.wasm`
 * @throws RingfenceError `invalid_argument`
 */
export function readRegoBundle(base64: string): RegoBundle {
  const bytes = Buffer.from(base64, 'base64')
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
  const files = isPacked ? filesOf(unpacked(bytes)) : new Map([['policy.wasm', bytes]])
  const module = files.get('policy.wasm')
  if (module === undefined) throw refused('there is no policy.wasm in it')
  checkRegoModule(module)
  return { module, data: dataOf(files.get('data.json')) }
}

function unpacked(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: BYTES_MAX })
  } catch (error) {
    throw refused(messageOf(error))
  }
}

/** Plain files of a tar archive, by their names. */
function filesOf(archive: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + BLOCK)
    const name = textOf(header.subarray(0, 100)).replace(/^\.?\//, '')
    const size = Number.parseInt(textOf(header.subarray(124, 136)).trim(), 8)
    if (!(size >= 0)) throw refused('its archive cannot be read')
    const start = at + BLOCK
    const type = header[156] ?? 0
    if (type === 0 || type === 0x30) files.set(name, archive.subarray(start, start + size))
    at = start + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? field.length : end).toString('latin1')
}

function dataOf(file: Buffer | undefined): unknown {
  if (file === undefined) return {}
  try {
    return JSON.parse(file.toString())
  } catch {
    throw refused('its data is not JSON')
  }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the Rego bundle cannot be used: ${why}`)
}
