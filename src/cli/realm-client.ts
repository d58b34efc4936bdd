import { z } from 'zod'
import { INNER_INPUTS, pathInputs, type RealmOperation } from '../administration/operation.ts'
import {
  describedOperation,
  type RealmInput,
  type RealmItem,
  type RealmListingName,
  type RealmOperationName,
  type RealmOutput,
} from '../administration/operations.ts'
import { RingfenceError } from '../core/errors.ts'
import type { ControlClient } from './control-client.ts'
import { pathOf } from './control-command.ts'

type Input = Readonly<Record<string, unknown>>

/** One tenant's realm, administered over the control API. */
export class RealmClient {
  readonly tenant: string
  readonly control: ControlClient

  constructor(control: ControlClient, tenant: string) {
    this.control = control
    this.tenant = tenant
  }

  /**
   * @param ifMatch the tag of what is changed, as it was read
   * @throws RingfenceError `invalid_argument` for an input that is none, before anybody is asked
   */
  async ask<N extends RealmOperationName>(
    name: N,
    input: RealmInput<N>,
    ifMatch?: string,
  ): Promise<RealmOutput<N>> {
    const operation = described(name)
    const { path, query, body } = requestOf(operation, this.tenant, checked(operation, input))
    const { method, output } = operation
    // The answer is what this operation's own schema read.
    if (method === 'get') {
      return (await this.control.get(path, output, query)) as RealmOutput<N>
    }
    const change = { method: METHODS[method], path, query, ...body, ...(ifMatch && { ifMatch }) }
    return (await this.control.change(change, output)) as RealmOutput<N>
  }

  async list<N extends RealmListingName>(
    name: N,
    filter: Omit<RealmInput<N>, 'limit' | 'after'>,
    most?: number,
  ): Promise<readonly RealmItem<N>[]> {
    const operation = described(name)
    const { path, query } = requestOf(operation, this.tenant, checked(operation, filter))
    return (await this.control.list(path, itemOf(operation), query, most)) as RealmItem<N>[]
  }

  /** What is to be changed, with the tag by which nothing is written over that others change meanwhile. */
  async tagged<N extends RealmOperationName>(
    name: N,
    input: RealmInput<N>,
  ): Promise<{ readonly value: RealmOutput<N>; readonly tag: string }> {
    const operation = described(name)
    const { path } = requestOf(operation, this.tenant, checked(operation, input))
    const { value, tag } = await this.control.tagged(path, operation.output)
    return { value: value as RealmOutput<N>, tag }
  }
}

const METHODS = { post: 'POST', put: 'PUT', patch: 'PATCH', delete: 'DELETE' } as const

function described(name: RealmOperationName): RealmOperation {
  return describedOperation(name)
}

/** What a list's page holds. */
function itemOf({ output }: RealmOperation): z.ZodType {
  const items: unknown = output instanceof z.ZodObject ? output.shape['items'] : undefined
  if (items instanceof z.ZodArray) return items.element as z.ZodType
  throw new TypeError('that operation answers no list')
}

function checked(operation: RealmOperation, input: Input): Input {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
  const read = operation.input.safeParse(given)
  if (read.success) return given
  const issue = read.error.issues[0]
  const where = issue?.path.join('.') || 'what was given'
  throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'invalid'}`)
}

/** Where each input is in a request: as the control API's document says. */
function requestOf(operation: RealmOperation, tenant: string, input: Input) {
  const steps = operation.path.slice(1).split('/')
  const path = pathOf(
    'tenants',
    tenant,
    ...steps.map((step) => {
      const name = /^\{(\w+)\}$/.exec(step)?.[1]
      const value = name === undefined ? step : input[name]
      return typeof value === 'string' ? value : ''
    }),
  )
  const taken: readonly string[] = [...pathInputs(operation), ...INNER_INPUTS]
  const rest = Object.entries(input).filter(([name]) => !taken.includes(name))
  const inQuery = operation.method === 'get' || operation.method === 'delete'
  const hasBody = Object.keys(operation.input.shape).some((name) => !taken.includes(name))
  return {
    path,
    query: inQuery ? Object.fromEntries(rest.map(([name, value]) => [name, String(value)])) : {},
    body: inQuery || !hasBody ? {} : { body: Object.fromEntries(rest) },
  }
}
