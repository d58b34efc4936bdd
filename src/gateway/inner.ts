import type { Duplex } from 'node:stream'
import type { ApiName } from '../core/names.ts'

/** A request that the gateway makes to itself, on behalf of one that its checks have let pass. */
export interface Inner {
  /** Of the request that it is made for. */
  readonly within: string
  /** That request's caller. */
  readonly address: string
  readonly serverName: string | undefined
  /** The token whose bearer has proven to hold its key, by the proof that came with that request. */
  readonly provenToken: string
  /** The MCP server that it is for; undefined for an API that is called by its path. */
  readonly server: ApiName | undefined
  /** The tool that is called, for the log. */
  readonly tool: string | undefined
  /** Whether it stands for its tool's call where usage is counted: a call may take several requests. */
  readonly counts?: boolean
}

/** By the very connection: nobody outside has such a one, whatever their requests say. */
const inners = new WeakMap<object, Inner>()

export function markInner(connection: Duplex, inner: Inner): void {
  inners.set(connection, inner)
}

export function innerOf(connection: object): Inner | undefined {
  return inners.get(connection)
}
