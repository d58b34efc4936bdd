import type { Actor, ControlPlane } from '../../control/control-plane.ts'
import { type StagedMutant, worseBy } from '../../strikes/staged-mutant.ts'
import type { Fetch, Pieces } from '../house/pieces.ts'
import type { Site } from '../house/site.ts'

export type OfficeMutant = StagedMutant<Pieces>

export const mutant: typeof worseBy<Pieces> = worseBy

/** The same thing with some of its methods in a worse form. */
export function instead<T extends object>(thing: T, by: Partial<T>): T {
  return new Proxy(thing, {
    get(target, name) {
      if (Object.hasOwn(by, name)) return Reflect.get(by, name)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A plane of which one part is worse. */
export function worsePlane(
  worsen: (plane: Site['plane'], site: Site) => Partial<ControlPlane>,
): Pick<Pieces, 'plane'> {
  return { plane: (site) => ({ ...site.plane, ...worsen(site.plane, site) }) }
}

/** Something in front of the API that changes requests, or answers in its place. */
export function worseFront(
  answer: (request: Request, api: Fetch, plane: ControlPlane) => Promise<Response>,
): Pick<Pieces, 'front'> {
  return {
    front: (api, _site, plane) => (request, env) =>
      answer(request, (passed) => api(passed, env), plane),
  }
}

/** Who asks, as something in front of the API finds out; undefined for nobody it knows. */
export async function whoAsks(
  request: Request,
  { operators }: ControlPlane,
): Promise<Actor | undefined> {
  const token = (request.headers.get('authorization') ?? '').slice('Bearer '.length)
  return operators.authenticate(token, 'worse').catch(() => undefined)
}

/** The request with other header fields, and for another address if one is given. */
export function changed(
  request: Request,
  fields: Readonly<Record<string, string | undefined>>,
  url: string = request.url,
): Request {
  const headers = new Headers(request.headers)
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) headers.delete(name)
    else headers.set(name, value)
  }
  const { method, body } = request
  return new Request(url, { method, headers, ...(body === null ? {} : { body, duplex: 'half' }) })
}
