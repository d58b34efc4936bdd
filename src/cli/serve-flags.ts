import { isIP } from 'node:net'
import { RingfenceError } from '../core/errors.ts'
import { workersSchema } from '../edge/edge-settings.ts'
import type { Listen } from '../http/listen.ts'
import type { Plane } from '../platform/plane-config.ts'
import type { Log, Served } from '../platform/serve/served.ts'
import { TOOL_VERSION } from './tool-version.ts'

export interface ServeFlags {
  readonly config?: string
  readonly from?: string
  readonly audience?: string
  readonly listen: string
  readonly admin: string
  readonly key?: string
  readonly workers?: string
  readonly allowUpstreams?: readonly string[]
}

const PLACE = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/

/**
 * What starts the plane that the flags describe. Misuse is found before anything starts; the planes
 * themselves are loaded when they do, so that whoever asks for another command does not wait for them.
 */
export function starterOf(plane: Plane, flags: ServeFlags): (log: Log) => Promise<Served> {
  const { config, from } = flags
  if ((config === undefined) === (from === undefined)) {
    throw new RingfenceError('invalid_argument', 'give --config, or --from for a gateway alone')
  }
  const workers = workersIn(flags.workers)
  if (workers !== undefined && (plane !== 'gateway' || config === undefined)) {
    throw new RingfenceError('invalid_argument', '--workers is for a gateway with --config')
  }
  if (config !== undefined) {
    return async (log) => {
      const { servePlane } = await import('../platform/serve/serve-plane.ts')
      return servePlane(plane, config, TOOL_VERSION, log, workers)
    }
  }
  if (plane !== 'gateway') {
    throw new RingfenceError('invalid_argument', '--from is for the gateway: others need --config')
  }
  const options = {
    directory: from ?? '',
    audience: audienceIn(flags.audience),
    listen: placeIn(flags.listen, '--listen'),
    admin: placeIn(flags.admin, '--admin'),
    keyFile: flags.key ?? 'gateway.key',
    upstreamRanges: rangesIn(flags.allowUpstreams ?? []),
  }
  return async (log) => {
    const { serveStandalone } = await import('../platform/serve/serve-standalone.ts')
    return serveStandalone(options, log)
  }
}

function workersIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const { success, data } = workersSchema.safeParse(Number(text))
  if (success) return data
  throw new RingfenceError('invalid_argument', '--workers is a number from 1 to 64')
}

function audienceIn(text: string | undefined): string {
  if (text !== undefined && URL.canParse(text) && /^https?:/.test(text)) return text
  throw new RingfenceError('invalid_url', '--from needs --audience: the URL that tokens are for')
}

function placeIn(text: string, flag: string): Listen {
  const [, v6, other, port] = PLACE.exec(text) ?? []
  const host = v6 ?? other
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
  throw new RingfenceError('invalid_argument', `${flag} is a host and a port: 127.0.0.1:4180`)
}

function rangesIn(ranges: readonly string[]): readonly string[] {
  for (const range of ranges) {
    const [address = '', bits = '0', ...rest] = range.split('/')
    const most = isIP(address) === 6 ? 128 : 32
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most || rest.length > 0) {
      throw new RingfenceError('invalid_argument', '--allow-upstreams is a range: 10.20.0.0/16')
    }
  }
  return ranges
}
