import { RingfenceError } from '../core/errors.ts'
import type { ToolArgument, ToolOperation } from './tool.ts'

/** A request as a tool's arguments say it, inside its API. */
export interface CallRequest {
  readonly method: string
  /** From the API's prefix on, with the query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

type Arguments = Readonly<Record<string, unknown>>

/**
 * Makes the request of a call. Whether the arguments are as they must be the API's own document says,
 * when the request comes to it: here only what no place could be found for is refused.
 * @throws RingfenceError `invalid_argument` that names the argument
 */
export function requestOfCall(
  { operation, places, bodyType }: ToolOperation,
  given: Arguments,
): CallRequest {
  const known = new Set(places.map(({ key }) => key))
  if (bodyType !== undefined) known.add('body')
  for (const key of Object.keys(given)) {
    if (!known.has(key)) throw wrong(`there is no argument ${key.slice(0, 100)}`)
  }
  const path = operation.template.replaceAll(/\{([^}]*)\}/g, (_, name: string) => {
    const place = places.find(({ parameter }) => parameter.in === 'path' && parameter.name === name)
    const texts = place === undefined ? [] : textsOf(place, given)
    if (texts.length !== 1 || texts[0] === '') throw wrong(`the argument ${name} is missing`)
    return encodeURIComponent(texts[0] ?? '')
  })
  const query = new URLSearchParams()
  const headers: Record<string, string> = Object.create(null)
  for (const place of places) {
    const { in: where, name } = place.parameter
    const texts = where === 'path' ? [] : textsOf(place, given)
    for (const text of texts) {
      if (where === 'query') query.append(name, text)
      else headers[name] = text
    }
  }
  const body = bodyType === undefined ? undefined : given['body']
  if (body !== undefined && bodyType !== undefined) headers['content-type'] = bodyType
  return {
    method: operation.method,
    target: path + (query.size === 0 ? '' : `?${query.toString()}`),
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  }
}

function textsOf({ key, parameter }: ToolArgument, given: Arguments): readonly string[] {
  const value = given[key]
  if (value === undefined) return []
  const texts = (Array.isArray(value) ? value : [value]).map((one) => textOf(one, key))
  return parameter.separator === undefined ? texts : [texts.join(parameter.separator)]
}

function textOf(value: unknown, key: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw wrong(`the argument ${key} is neither text, number nor truth value`)
}

function wrong(message: string): RingfenceError {
  return new RingfenceError('invalid_argument', message)
}
