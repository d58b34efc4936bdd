import type { ApiConfig } from '../contracts/contract.ts'
import type { Guards } from '../guardrails/guards.ts'
import type { ApiDescription } from '../openapi/api-description.ts'
import { operationTools } from './operation-tools.ts'
import { type Tool, toolName, withoutDoubles } from './tool.ts'

/** A tool as an MCP server of the tenant's or the platform's tells of it. */
export interface ToldTool {
  readonly name: string
  readonly description?: string | undefined
  readonly inputSchema: Tool['inputSchema']
}

/** The tools of one tenant's APIs, and which of them its agents may know of. */
export class ToolBook {
  readonly #apis: readonly ApiConfig[]
  readonly #guards: Guards
  readonly #own: readonly Tool[]

  /** @param describe what an API's document says; undefined for an API without one */
  constructor(
    apis: readonly ApiConfig[],
    guards: Guards,
    describe: (api: ApiConfig) => ApiDescription | undefined,
  ) {
    this.#apis = apis.filter(({ tools }) => tools !== undefined)
    this.#guards = guards
    const own = this.#apis.flatMap((api) => {
      const description = api.kind === 'mcp' ? undefined : describe(api)
      return description === undefined ? [] : operationTools(api, description)
    })
    this.#own = withoutDoubles(own.filter((tool) => this.#isShown(tool)))
  }

  /** The APIs whose tools an MCP server has to be asked for. */
  get servers(): readonly ApiConfig[] {
    return this.#apis.filter(({ kind }) => kind === 'mcp')
  }

  /** Tools made of the operations of APIs. */
  get operations(): readonly Tool[] {
    return this.#own
  }

  /** The tools that an MCP server tells of, as far as they may be shown. */
  ofServer(api: ApiConfig, told: readonly ToldTool[]): readonly Tool[] {
    const tools = told.flatMap((one) => this.#serverTool(api, one.name, one) ?? [])
    return withoutDoubles(tools)
  }

  /** The tool of an MCP server that a name says; undefined for none that may be called. */
  serverToolNamed(name: string): Tool | undefined {
    const at = name.indexOf('_')
    const api = this.servers.find((one) => one.name === name.slice(0, at))
    return api && this.#serverTool(api, name.slice(at + 1))
  }

  #serverTool(api: ApiConfig, own: string, told?: ToldTool): Tool | undefined {
    const name = toolName(api, own)
    // By its name it must be found again: what would be called otherwise is not offered.
    if (name === undefined || name !== `${api.name}_${own}`) return undefined
    const tool: Tool = {
      name,
      own,
      description: told?.description ?? `${own} of ${api.name}`,
      inputSchema: told?.inputSchema ?? {},
      // What a server says that its tools do is only its word.
      scope: 'write',
      api,
      operation: undefined,
    }
    return this.#isShown(tool) ? tool : undefined
  }

  #isShown({ api, own }: Tool): boolean {
    const isInContract = api.tools?.allow.some((pattern) =>
      pattern.endsWith('*') ? own.startsWith(pattern.slice(0, -1)) : own === pattern,
    )
    return isInContract === true && this.#guards.allowsTool(api.name, own)
  }
}
