import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AuthorizerOptions,
  openAuthorizer,
} from '../../src/external-authorization/authorizer.ts'
import type { NginxSettingsInput } from '../../src/external-authorization/nginx-settings.ts'
import { RingfenceError } from '../../src/core/errors.ts'
import { GATEWAY_LIMITS } from '../../src/gateway/limits.ts'
import { openGateway, type OpenGatewayOptions } from '../../src/gateway/open-gateway.ts'
import { samplePlatform } from '../../src/snapshot/sample.test-support.ts'
import type { Configuration, ConfigurationSource } from '../../src/snapshot/snapshot.ts'
import { type NginxServer, startNginx } from './nginx-server.ts'

export const SECRET = 'a-secret-of-the-tests-0123456789ab'

export interface NginxFrontOptions {
  readonly authorizer?: Partial<Pick<AuthorizerOptions, 'remembered' | 'fields'>>
  readonly settings?: Partial<NginxSettingsInput>
  readonly change?: (text: string) => string
}

export interface NginxFront {
  readonly url: string
  readonly nginx: NginxServer
  readonly socket: string
  /** Takes the authorizer away. */
  closeAuthorizer(): Promise<void>
  close(): Promise<void>
}

/** What nginx is told of: nothing, where nobody is to be served. */
function inForce(source: ConfigurationSource): Pick<Configuration, 'platform' | 'tenants'> {
  try {
    return source.current()
  } catch (error) {
    if (!(error instanceof RingfenceError && error.code === 'snapshot_stale')) throw error
    return { platform: samplePlatform, tenants: () => new Map<never, never>().values() }
  }
}

/** nginx in the place of the gateway, which decides behind it. */
export async function openNginxFront(
  gatewayOptions: OpenGatewayOptions,
  { authorizer, settings, change }: NginxFrontOptions = {},
): Promise<NginxFront> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-nginx-'))
  const gateway = await openGateway(gatewayOptions)
  const socket = join(directory, 'authorizer')
  const listening = await openAuthorizer({
    decide: gateway.decide,
    listen: { socket },
    secret: SECRET,
    ...authorizer,
  })
  const nginx = await startNginx({
    binary: process.env['RINGFENCE_TEST_NGINX'] ?? '/usr/sbin/nginx',
    directory: join(directory, 'nginx'),
    configuration: inForce(gatewayOptions.source),
    secret: SECRET,
    settings: {
      authorizer: { socket },
      bodyBytesMax: gatewayOptions.limits?.bodyBytesMax ?? GATEWAY_LIMITS.bodyBytesMax,
      ...(authorizer?.remembered === true ? { cache: join(directory, 'nginx', 'decisions') } : {}),
      ...settings,
    },
    ...(change === undefined ? {} : { change }),
  })
  let isClosed = false
  const closeAuthorizer = async () => {
    if (isClosed) return
    isClosed = true
    await listening.close()
  }
  return {
    url: `http://127.0.0.1:${nginx.port}`,
    nginx,
    socket,
    closeAuthorizer,
    async close() {
      await nginx.stop()
      await closeAuthorizer()
      await gateway.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
