import type { TenantId } from '../../core/tenant.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Front, Passing } from '../house/fronted.ts'
import type { Pieces } from '../house/pieces.ts'

type Fronted = Pick<Pieces, 'front'>

/** Something in front of the plane. */
export function worseFront(front: Front): Fronted {
  return { front }
}

/** Answers that are changed on their way out. */
export function worseAnswers(change: (heard: Heard, said: Passing) => Heard): Fronted {
  return worseFront(async (said, pass) => change(await pass(said), said))
}

/** Requests that are changed on their way in. */
export function worseRequests(change: (said: Passing) => Passing): Fronted {
  return worseFront((said, pass) => pass(change(said)))
}

/** The realm in a request's path, and what it asks of it. */
export function placeOf({ target }: Passing): { tenant: TenantId; path: string } | undefined {
  const [, name, path = ''] = /^\/realms\/([^/?]+)([^?]*)/.exec(target) ?? []
  try {
    return { tenant: parseTenantId(name), path }
  } catch {
    return undefined
  }
}

export function formIn({ body }: Passing): URLSearchParams {
  return new URLSearchParams(body)
}

/** The request with other fields in its form. Undefined takes one away. */
export function withForm(
  said: Passing,
  fields: Readonly<Record<string, string | undefined>>,
): Passing {
  const form = formIn(said)
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) form.delete(name)
    else form.set(name, value)
  }
  return { ...said, body: form.toString() }
}

/** The request with other parameters in its address. Undefined takes one away. */
export function withQuery(
  said: Passing,
  fields: Readonly<Record<string, string | undefined>>,
): Passing {
  const [path = '', query = ''] = said.target.split(/\?(.*)/s)
  const parameters = new URLSearchParams(query)
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) parameters.delete(name)
    else parameters.set(name, value)
  }
  return { ...said, target: `${path}?${parameters.toString()}` }
}

export function withHeader(said: Passing, name: string, value: string | undefined): Passing {
  const others = said.headers.filter(([one]) => one.toLowerCase() !== name)
  return { ...said, headers: value === undefined ? others : [...others, [name, value]] }
}

export function headerIn({ headers }: Passing, name: string): string | undefined {
  return headers.find(([one]) => one.toLowerCase() === name)?.[1]
}

/** An answer without some of its header fields. */
export function withoutHeaders(heard: Heard, names: RegExp): Heard {
  return { ...heard, headers: heard.headers.filter(([name]) => !names.test(name)) }
}

/** An answer whose header fields of one name are changed. */
export function changedHeaders(
  heard: Heard,
  name: string,
  change: (value: string) => string,
): Heard {
  return {
    ...heard,
    headers: heard.headers.map(([one, value]) => [one, one === name ? change(value) : value]),
  }
}
