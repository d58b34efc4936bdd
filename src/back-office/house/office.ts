import { controlApi } from '../../control/api/control-api.ts'
import type { ControlPlane } from '../../control/control-plane.ts'
import { listen } from '../../http/listen.ts'
import type { Heard, Said, Wire } from '../../strikes/wire.ts'
import type { OfficeSettings, Pieces } from './pieces.ts'
import type { Site } from './site.ts'

/** By which the API tells callers apart: a proof has one machine, and plays many. */
const ADDRESS = 'x-address'
const GRACE_SECONDS = 30 * 86_400

export interface Ask {
  readonly token?: string
  readonly headers?: Said['headers']
  /** Sent as JSON; a text as it is. */
  readonly body?: unknown
  /** From where. */
  readonly from: string
}

/** The control API of one copy, on a socket of its own. */
export class Office {
  readonly site: Site
  readonly pieces: Pieces
  /** What the API calls, weakened or not. */
  readonly plane: ControlPlane
  readonly settings: OfficeSettings
  readonly #socket: string
  readonly #close: () => Promise<void>
  /** How often the API has called the plane. */
  calls = 0

  private constructor(site: Site, pieces: Pieces, socket: string, opened: Opened) {
    this.site = site
    this.pieces = pieces
    this.plane = opened.plane
    this.settings = pieces.settings({
      webhookSecrets: [site.ground.webhookSecret],
      graceSeconds: GRACE_SECONDS,
    })
    this.#socket = socket
    this.#close = opened.close
    opened.onCall(() => {
      this.calls += 1
    })
  }

  static async open(site: Site, pieces: Pieces): Promise<Office> {
    const plane = pieces.plane(site)
    let heard = () => {}
    const counted = counting(plane, () => heard())
    const api = controlApi(counted, {
      version: 'proof',
      addressOf: (context) => context.req.header(ADDRESS) ?? 'nowhere',
      ...pieces.api,
    })
    const socket = site.socket()
    const front = pieces.front((request, env) => api.fetch(request, env), site, counted)
    const listening = await listen(front, { socket })
    const onCall = (listener: () => void) => {
      heard = listener
    }
    return new Office(site, pieces, socket, { plane, close: () => listening.close(), onCall })
  }

  /** One request over the wire. `target` is sent as it is. */
  ask(wire: Wire, method: string, target: string, what: Ask): Promise<Heard> {
    const { token, headers = [], body, from } = what
    const json = [['Content-Type', 'application/json'] as const]
    return wire.ask(
      { path: this.#socket },
      {
        method,
        target,
        headers: [
          ['Host', 'control'],
          [ADDRESS, from],
          ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const]),
          ...(body === undefined ? [] : json),
          ...headers,
        ],
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      },
    )
  }

  close(): Promise<void> {
    return this.#close()
  }
}

interface Opened {
  readonly plane: ControlPlane
  readonly close: () => Promise<void>
  readonly onCall: (listener: () => void) => void
}

/** The same plane; whoever calls one of its parts is heard. */
function counting(plane: ControlPlane, called: () => void): ControlPlane {
  const listened = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          called()
          return Reflect.apply(value, target, args)
        }
      },
    })
  return {
    tenants: listened(plane.tenants),
    workflows: listened(plane.workflows),
    approvals: listened(plane.approvals),
    catalogue: listened(plane.catalogue),
    operators: listened(plane.operators),
    people: listened(plane.people),
    security: listened(plane.security),
    support: listened(plane.support),
    realms: listened(plane.realms),
    manifests: listened(plane.manifests),
    grants: listened(plane.grants),
    jobs: listened(plane.jobs),
    // What is refused is entered without anything being done.
    refusals: plane.refusals,
    idempotency: listened(plane.idempotency),
    healthy: () => plane.healthy(),
  }
}
