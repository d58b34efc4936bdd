import { createServer } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { gateway } from '../../gateway/gateway.ts'
import { listenWith } from '../../http/listen.ts'
import { CLIENT_ASSERTION_TYPE } from '../../tokens/client-assertion.ts'
import { assertionOf } from '../house/claims.ts'
import type { Pieces } from '../house/pieces.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

const HEAD_ENDS = '\r\n\r\n'

/** The gateway on a server of its own. @param insecureHTTPParser whether its parser forgives */
export function onServer(insecureHTTPParser: boolean): Pieces['openGateway'] {
  return async (options) => {
    const door = gateway(options)
    const { limits, handler } = door
    const parsing = { insecureHTTPParser, maxHeaderSize: limits.headerBytesMax }
    const server = createServer(parsing, handler)
    server.on('checkContinue', handler)
    server.maxConnections = limits.connections
    const times = { headersMs: limits.headerMs, requestMs: limits.requestMs }
    const listening = await listenWith(server, options.listen, times)
    return {
      url: listening.url,
      async close() {
        await listening.close()
        door.close()
      },
    }
  }
}

/**
 * The gateway behind a proxy that somebody wrote to mend the heads of requests. Bodies, and whatever
 * else comes on a connection, go through as they are.
 */
export function behind(
  openGateway: Pieces['openGateway'],
  mend: (head: string) => string,
): Pieces['openGateway'] {
  return async (options) => {
    const inner = await openGateway(options)
    const { hostname, port } = new URL(inner.url)
    const proxy = createTcpServer((caller) => {
      const onward = connect(Number(port), hostname)
      let text = ''
      caller.on('data', function read(chunk: Buffer) {
        text += chunk.toString('latin1')
        const end = text.indexOf(HEAD_ENDS)
        if (end < 0) return
        caller.off('data', read)
        onward.write(mend(text.slice(0, end)) + text.slice(end), 'latin1')
        caller.pipe(onward)
      })
      onward.pipe(caller)
      for (const [one, other] of [
        [caller, onward],
        [onward, caller],
      ] as const) {
        one.on('error', () => undefined)
        one.on('close', () => other.destroy())
      }
    })
    await new Promise<void>((resolve) => {
      proxy.listen(0, hostname, resolve)
    })
    const address = proxy.address()
    if (address === null || typeof address === 'string') throw new TypeError('it has no port')
    return {
      url: `http://${hostname}:${address.port}`,
      async close() {
        proxy.close()
        await inner.close()
      },
    }
  }
}

/** A head with one length: the last one wins, as in tables by name. */
function withLastLength(head: string): string {
  const lines = head.split('\r\n')
  const isLength = (line: string) => /^content-length:/i.test(line)
  const last = lines.findLastIndex(isLength)
  return lines.filter((line, index) => index === last || !isLength(line)).join('\r\n')
}

/** Proves for a client that has but a secret who it is. It does not know the secrets. */
const provesForOthers: Pieces['vendingFront'] =
  (vending, { workloads }) =>
  async (request) => {
    const form = new URLSearchParams(await request.clone().text())
    const workload = Object.values(workloads).find(({ client }) => client === form.get('client_id'))
    if (workload === undefined || !form.has('client_secret')) return vending(request)
    form.delete('client_secret')
    form.set('client_assertion_type', CLIENT_ASSERTION_TYPE)
    form.set('client_assertion', assertionOf(workload))
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return vending(
      new Request(request.url, { method: request.method, headers, body: String(form) }),
    )
  }

/** What stands before the gateway and before vending, put there or set carelessly. */
export const FRONT_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-parser-forgives',
    'The parser of HTTP told to be lenient, for an old client',
    ['fd-framing-line-ends'],
    () => ({ openGateway: onServer(true) }),
  ),
  mutant(
    'fd-proxy-last-length',
    'A proxy before the gateway that takes the last of two lengths',
    ['fd-framing-two-lengths'],
    ({ openGateway }) => ({ openGateway: behind(openGateway, withLastLength) }),
  ),
  mutant(
    'fd-proxy-with-secrets',
    'A proxy before vending that signs for clients of another protocol',
    ['fd-workload-unknown'],
    () => ({ vendingFront: provesForOthers }),
  ),
]
