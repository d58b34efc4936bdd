import { setTimeout } from 'node:timers/promises'
import { RingfenceError } from '../core/errors.ts'
import type { TrustedProxies } from '../edge/caller-address.ts'
import type { CertificateStore } from '../edge/certificate-store.ts'
import { openFront } from '../edge/front.ts'
import { type Listen, listen } from '../http/listen.ts'
import { gatewayAdmin, notReady } from './admin.ts'
import { type Gateway, gateway, type GatewayOptions } from './gateway.ts'

export interface OpenGateway {
  readonly url: string
  /** Where health, readiness and the context keys are. */
  readonly adminUrl: string
  /** See `Gateway`: for proxies that pass requests on themselves. */
  readonly decide: Gateway['decide']
  readonly pools: Gateway['pools']
  /** Is not ready any more, takes no new requests, and waits for those under way (10 s at most). */
  close(): Promise<void>
}

export interface OpenGatewayOptions extends GatewayOptions {
  readonly listen: Listen
  readonly admin: Listen
  /** TLS ends at the gateway, with these. Default: it ends before, or there is none. */
  readonly certificates?: CertificateStore
  /** Proxies before the gateway whose word on callers' addresses is taken. Default none. */
  readonly trustedProxies?: TrustedProxies
  /**
   * Waits until it can serve before it takes a connection, so long at most, in milliseconds. Default: it
   * does not, and answers that it cannot serve yet.
   */
  readonly readyMs?: number
}

/**
 * Opens the front door and the operators' listener beside it.
 * @throws as `gateway`, `openFront` and `listen`; RingfenceError `timed_out` when it is not ready in time
 */
export async function openGateway(options: OpenGatewayOptions): Promise<OpenGateway> {
  const { certificates, trustedProxies } = options
  const door = gateway(
    certificates === undefined ? options : { ...options, publicProtocol: 'https' },
  )
  const { server, handler, limits } = door
  let isClosing = false
  const app = gatewayAdmin(options.source, options.contextKey, options.revocations, () => isClosing)
  const admin = await listen(app.fetch, options.admin)
  try {
    await untilReady(options)
    const front = await openFront({
      server,
      handler,
      listen: options.listen,
      ...(certificates === undefined ? {} : { certificates }),
      ...(trustedProxies === undefined ? {} : { trustedProxies }),
      limits,
    })
    return {
      url: front.url,
      adminUrl: admin.url,
      decide: door.decide,
      pools: door.pools,
      async close() {
        isClosing = true
        door.drain()
        await front.close()
        door.close()
        await admin.close()
      },
    }
  } catch (error) {
    await admin.close()
    throw error
  }
}

const LOOK_MS = 20

async function untilReady({
  readyMs,
  source,
  contextKey,
  revocations,
}: OpenGatewayOptions): Promise<void> {
  if (readyMs === undefined) return
  const end = performance.now() + readyMs
  for (;;) {
    const why = notReady(source, contextKey.publicJwk.kid, revocations)
    if (why === undefined) return
    if (performance.now() > end) throw new RingfenceError('timed_out', `not ready: ${why}`)
    await setTimeout(LOOK_MS)
  }
}
