import { type Dispatcher, errors } from 'undici'
import type { Headers } from './headers.ts'
import type { Flow, UpstreamAnswer, UpstreamCall } from './upstream-call.ts'
import type { UpstreamConnection, UpstreamServer } from './upstream.ts'

/**
 * A request that is no more than its head, by undici: nothing in it waits for a promise or makes a
 * stream, and an answer that is there goes on in the turn in which it came.
 */
export class BodilessCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #server: UpstreamServer
  readonly #answer: UpstreamAnswer
  #connection: UpstreamConnection | undefined
  #controller: Dispatcher.DispatchController | undefined
  #aborted: Error | undefined

  /** @throws Denial when no connection is free */
  constructor(
    server: UpstreamServer,
    request: { readonly path: string; readonly method: string; readonly headers: string[] },
    answer: UpstreamAnswer,
  ) {
    this.#server = server
    this.#answer = answer
    this.#connection = server.take()
    this.#connection.client.dispatch(request, this)
  }

  abort(error: Error): void {
    this.#aborted ??= error
    this.#controller?.abort(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#aborted !== undefined) controller.abort(this.#aborted)
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, fields: Fields): void {
    if (status < 200 || this.#aborted !== undefined) return
    this.#answer.onHead(controller, status, headersIn(fields))
  }

  onResponseData(_: Flow, chunk: Buffer): void {
    if (this.#aborted === undefined) this.#answer.onData(chunk)
  }

  onResponseEnd(): void {
    this.#giveBack(true)
    if (this.#aborted === undefined) this.#answer.onEnd()
  }

  onResponseError(_: unknown, error: Error): void {
    const isLost = this.#connection?.used === true && isLostConnection(error)
    this.#giveBack(false)
    if (this.#aborted === undefined) this.#answer.onError(error, isLost)
  }

  #giveBack(isGood: boolean): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    if (isGood) connection.used = true
    this.#server.giveBack(connection)
  }
}

function isLostConnection(error: Error): boolean {
  if (error instanceof errors.SocketError) return true
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>

/** Names are in lower case there already, and repeated ones in their order. */
function headersIn(fields: Fields): Headers {
  const headers: [string, string][] = []
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (typeof value === 'string') headers.push([name, value])
    else if (value !== undefined) for (const one of value) headers.push([name, one])
  }
  return headers
}
