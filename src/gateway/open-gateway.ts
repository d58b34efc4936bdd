import { type Listen, listen, listenWith } from '../http/listen.ts'
import { gatewayAdmin } from './admin.ts'
import { gateway, type GatewayOptions } from './gateway.ts'

export interface OpenGateway {
  readonly url: string
  /** Where health, readiness and the context keys are. */
  readonly adminUrl: string
  /** Takes no new requests, and waits for those under way (10 s at most). */
  close(): Promise<void>
}

/** Opens the front door and the operators' listener beside it. @throws as `gateway` and `listen` */
export async function openGateway(
  options: GatewayOptions & { readonly listen: Listen; readonly admin: Listen },
): Promise<OpenGateway> {
  const door = gateway(options)
  const { headerMs, requestMs } = door.limits
  const app = gatewayAdmin(options.source, options.contextKey, options.revocations)
  const admin = await listen(app.fetch, options.admin)
  try {
    const times = { headersMs: headerMs, requestMs }
    const front = await listenWith(door.server, options.listen, times)
    return {
      url: front.url,
      adminUrl: admin.url,
      async close() {
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
