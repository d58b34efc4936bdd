import type { ApiConfig } from '../contracts/contract.ts'
import type { Operation } from '../openapi/api-description.ts'
import type { JsonObject } from '../openapi/json.ts'

/** Something of one tenant's that its agents may call. */
export interface Tool {
  /** `clinic_listPatients`: the API's name, which holds no `_`, and the tool's within it. */
  readonly name: string
  readonly description: string
  readonly inputSchema: JsonObject
  /** Of the token that calls it. */
  readonly scope: 'read' | 'write'
  readonly api: ApiConfig
  /** What of the API is called; undefined for a tool of an MCP server, which it is asked for by `own`. */
  readonly operation: ToolOperation | undefined
  /** The name within the API. */
  readonly own: string
}

export interface ToolOperation {
  readonly operation: Operation
  /** Which argument goes where. */
  readonly places: readonly ToolArgument[]
  /** Media type of the body that the argument `body` becomes; undefined for none. */
  readonly bodyType: string | undefined
}

export interface ToolArgument {
  readonly key: string
  readonly parameter: Operation['parameters'][number]
}

/** A tool's name among those of its tenant; undefined for one that clients cannot be given. */
export function toolName(api: ApiConfig, own: string): string | undefined {
  const name = `${api.name}_${own.replaceAll(/[^A-Za-z0-9_.-]+/g, '_').replaceAll(/^_+|_+$/g, '')}`
  return name.length <= NAME_MAX && !name.endsWith('_') ? name : undefined
}

/** MCP, "Tool Names": 1 to 128 characters. */
const NAME_MAX = 128

/**
 * Those whose name is theirs alone. Of two of one name neither is there: whichever was meant, the
 * other must not be called in its place.
 */
export function withoutDoubles(tools: readonly Tool[]): readonly Tool[] {
  const count = new Map<string, number>()
  for (const { name } of tools) count.set(name, (count.get(name) ?? 0) + 1)
  return tools.filter(({ name }) => count.get(name) === 1)
}
