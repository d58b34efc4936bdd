import { LRUCache } from 'lru-cache'
import type { ApiConfig } from '../contracts/contract.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { ApiDescription, type CalledOperation } from '../openapi/api-description.ts'
import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'
import { mustSeeBodies } from './decoded-body.ts'
import { holdToDescription } from './described-body.ts'
import type { Exchange } from './exchange.ts'
import { valuesOf } from './headers.ts'
import { Note } from './note.ts'
import { hasBody } from './request-body.ts'
import { nothingServed } from './route-checks.ts'

/** Documents of so many APIs stay compiled. The others are compiled anew when they are called. */
const DESCRIPTIONS_MAX = 500

/** By the very object that holds the document: no other API's can be found by it. */
const descriptions = new LRUCache<ApiConfig, ApiDescription | RingfenceError>({
  max: DESCRIPTIONS_MAX,
})

/**
 * What an API's document describes; undefined for an API without one.
 * @throws RingfenceError `invalid_manifest`
 */
export function descriptionOf(api: ApiConfig): ApiDescription | undefined {
  if (api.openapi === undefined) return undefined
  let description = descriptions.get(api)
  if (description === undefined) {
    description = read(api.openapi)
    descriptions.set(api, description)
  }
  if (description instanceof RingfenceError) throw description
  return description
}

/** What is wrong with it is remembered as well: to find that out again takes as long. */
function read(text: string): ApiDescription | RingfenceError {
  try {
    return new ApiDescription(text)
  } catch (error) {
    if (error instanceof RingfenceError) return error
    throw error
  }
}

const called = new Note<CalledOperation>()

/** The operation that a request is for, once the check has found it; undefined without a document. */
export function operationOf(exchange: Exchange): CalledOperation | undefined {
  return called.get(exchange)
}

/** That a request is one that its API's document describes. */
export const OPENAPI_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'operation',
    run(exchange) {
      const { endpoint, route, head, target, incoming } = exchange
      if (endpoint !== undefined || route?.api.openapi === undefined) return
      try {
        const operation = descriptionOf(route.api)?.operationOf({
          method: head.method,
          path: route.inside,
          query: target.query,
          header: (name) => valuesOf(incoming, name),
        })
        if (operation !== undefined) called.set(exchange, operation)
      } catch (error) {
        throw refusalOf(error)
      }
    },
  },
  {
    name: 'body-of-the-operation',
    run(exchange) {
      const operation = operationOf(exchange)?.operation
      if (operation === undefined) return
      const { body } = operation
      if (body !== undefined) mustSeeBodies(exchange, 'the document of the API')
      if (hasBody(exchange.incoming)) holdToDescription(exchange, body)
      else if (body?.required === true) {
        throw new Denial('invalid_argument', 'a body is missing', 'openapi: no body')
      }
    },
  },
]

function refusalOf(error: unknown): unknown {
  if (!(error instanceof RingfenceError)) return error
  const reason = `openapi: ${messageOf(error)}`
  switch (error.code) {
    case 'not_found':
      return nothingServed('openapi: not described')
    case 'invalid_manifest':
      return new Denial('internal', 'something went wrong on our side', reason)
    default:
      return new Denial(error.code, error.message, reason)
  }
}
