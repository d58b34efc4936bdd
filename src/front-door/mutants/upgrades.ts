import { connect, createServer, type Socket } from 'node:net'
import type { GatewayCheck } from '../../gateway/check.ts'
import type { Pieces } from '../house/pieces.ts'
import type { RevocationSource } from '../../revocation/revocation.ts'
import type { ConfigurationSource } from '../../snapshot/snapshot.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

const FOR_GOOD = new Date(8.64e15)

const forgetEnd: GatewayCheck = {
  name: 'forget-end',
  run(exchange) {
    const { claimed } = exchange
    if (claimed !== undefined)
      Object.assign(exchange, { claimed: { ...claimed, expiresAt: FOR_GOOD } })
  },
}

/** A source that tells of suspensions, as of nothing else that a connection stands on. */
function ofSuspensions(source: ConfigurationSource): ConfigurationSource {
  return {
    current: () => source.current(),
    onChange: (listener) =>
      source.onChange((changed, now) => {
        const suspended = changed.filter((id) => now.tenant(id)?.status !== 'active')
        if (suspended.length > 0) listener(suspended, now)
      }),
  }
}

/** Handshakes go straight to the service: what is not a request has nothing to be checked. */
function pastTheChecks(openGateway: Pieces['openGateway']): Pieces['openGateway'] {
  return async (options) => {
    const inner = await openGateway(options)
    const { hostname, port } = new URL(inner.url)
    const join = (caller: Socket, onward: Socket, text: string) => {
      onward.write(text, 'latin1')
      caller.pipe(onward)
      onward.pipe(caller)
      for (const [one, other] of [
        [caller, onward],
        [onward, caller],
      ] as const) {
        one.on('error', () => undefined)
        one.on('close', () => other.destroy())
      }
    }
    const proxy = createServer((caller) => {
      caller.once('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1')
        const [service] = options.source.current().platform.services
        const url = new URL(service?.upstream ?? inner.url)
        const isUpgrade = /\r\nupgrade: websocket\r\n/i.test(text)
        if (isUpgrade) {
          const target = text.replace(/ \/t\/[^/]+/, ` ${url.pathname}`)
          join(caller, connect(Number(url.port), url.hostname), target)
        } else join(caller, connect(Number(port), hostname), text)
      })
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

/** Connections of another protocol, looked at once and never again, or not at all. */
export const UPGRADE_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-upgrade-past-the-checks',
    'A proxy before the gateway that joins WebSockets to their service itself',
    ['fd-upgrade-foreign', 'fd-upgrade-revoked', 'fd-upgrade-ended'],
    ({ openGateway }) => ({ openGateway: pastTheChecks(openGateway) }),
  ),
  mutant(
    'fd-upgrade-suspensions-alone',
    'What lasts looked at again when a tenant is suspended, and for nothing else',
    ['fd-upgrade-shut-out'],
    ({ openGateway }) => ({
      openGateway: (options) => openGateway({ ...options, source: ofSuspensions(options.source) }),
    }),
  ),
  mutant(
    'fd-upgrade-for-good',
    'What has been let in lasts, whenever the token that let it in ends',
    ['fd-upgrade-ended'],
    ({ gatewayChecks }) => ({ gatewayChecks: [...gatewayChecks, forgetEnd] }),
  ),
  mutant(
    'fd-upgrade-known-tokens',
    'Revocations acted on for requests that come, and not for what is open',
    ['fd-upgrade-revoked'],
    ({ gatewayRevocations }) => ({
      gatewayRevocations: (source) => atRequests(gatewayRevocations(source)),
    }),
  ),
]

function atRequests(source: RevocationSource): RevocationSource {
  return {
    get known() {
      return source.known
    },
    revokes: (token) => source.revokes(token),
    find: () => undefined,
    onNews: (listener) => source.onNews(listener),
  }
}
