import type { ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** Has the end of an answer that others write wait for what is to be done before it. */
export function holdEnd(exchange: Exchange, response: ServerResponse): void {
  if (exchange.onWhole === undefined) return
  const end = response.end.bind(response) as (...args: readonly unknown[]) => ServerResponse
  response.end = (...args: readonly unknown[]) => {
    response.end = end
    const waiting = exchange.onWhole?.(response.statusCode)
    if (waiting === undefined) return end(...args)
    waiting.then(
      () => end(...args),
      () => response.destroy(),
    )
    return response
  }
}
