import { z } from 'zod'
import type { ApiConfig } from '../contracts/contract.ts'
import { PathTable } from '../openapi/path-table.ts'
import { OPERATION_NAME, type OperationAction } from './built-in-schema.ts'

interface Operations {
  readonly all: readonly OperationAction[]
  readonly paths: PathTable<ReadonlyMap<string, OperationAction>>
}

const METHODS = ['get', 'head', 'options', 'post', 'put', 'patch', 'delete'] as const

const documentSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
const operationSchema = z.object({ operationId: z.string() })

const NONE: Operations = { all: [], paths: new PathTable([]) }
const known = new WeakMap<ApiConfig, Operations>()

/** The operations of an API's OpenAPI document that have an id, as actions: `clinic/listPatients`. */
export function operationsOf(api: ApiConfig): readonly OperationAction[] {
  return operations(api).all
}

/** The operation that a request is, by its path from the API's prefix on. */
export function operationOf(
  api: ApiConfig,
  method: string,
  inside: string,
): OperationAction | undefined {
  if (api.openapi === undefined) return undefined
  const found = operations(api).paths.match(inside)?.value
  return found?.get(method) ?? (method === 'HEAD' ? found?.get('GET') : undefined)
}

function operations(api: ApiConfig): Operations {
  let found = known.get(api)
  if (found === undefined) known.set(api, (found = read(api)))
  return found
}

function read({ name, openapi = '' }: ApiConfig): Operations {
  try {
    const { paths } = documentSchema.parse(JSON.parse(openapi))
    const all = Object.entries(paths).map(
      ([template, item]) => [template, actionsOf(name, item)] as const,
    )
    return { all: all.flatMap(([, found]) => [...found.values()]), paths: new PathTable(all) }
  } catch {
    // What cannot be read is served to nobody, by another check; its operations have no names.
    return NONE
  }
}

function actionsOf(
  api: string,
  item: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, OperationAction> {
  const found = METHODS.flatMap((one) => {
    const id = operationSchema.safeParse(item[one]).data?.operationId ?? ''
    const name = `${api}/${id}`
    const method = one.toUpperCase()
    return OPERATION_NAME.test(name) ? [[method, { name, method }] as const] : []
  })
  return new Map(found)
}
