import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AuthorizerOptions,
  openAuthorizer,
} from '../../src/external-authorization/authorizer.ts'
import type { NginxSettingsInput } from '../../src/external-authorization/nginx-settings.ts'
import { GATEWAY_LIMITS } from '../../src/gateway/limits.ts'
import { openGateway, type OpenGatewayOptions } from '../../src/gateway/open-gateway.ts'
import { type NginxServer, startNginx } from './nginx-server.ts'
import { hostsOf, inForce, SECRET, writeCertificates } from './proxy-front.ts'
import type { ProxyFront } from './proxy-site.ts'

export interface NginxFrontOptions {
  readonly authorizer?: Partial<Pick<AuthorizerOptions, 'remembered' | 'fields'>>
  readonly settings?: Partial<NginxSettingsInput>
  readonly change?: (text: string) => string
  /** TLS ends at nginx. Default: where it would end at the gateway. */
  readonly tls?: boolean
}

export interface NginxFront extends ProxyFront {
  readonly nginx: NginxServer
  removeCertificate(host: string): Promise<void>
}

/** nginx in the place of the gateway, which decides behind it. */
export async function openNginxFront(
  gatewayOptions: OpenGatewayOptions,
  { authorizer, settings, change, tls }: NginxFrontOptions = {},
): Promise<NginxFront> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-nginx-'))
  // Where a gateway would end TLS, nginx does.
  const { certificates, ...plain } = gatewayOptions
  const isTls = tls ?? certificates !== undefined
  const publicProtocol = isTls ? 'https' : 'http'
  const gateway = await openGateway({ ...plain, publicProtocol })
  const configuration = inForce(gatewayOptions.source)
  const place = join(directory, 'certificates')
  if (isTls) await writeCertificates(place, hostsOf(configuration), gatewayOptions.hosts)
  const socket = join(directory, 'authorizer')
  const listening = await openAuthorizer({
    decide: gateway.decide,
    listen: { socket },
    secret: SECRET,
    publicProtocol,
    ...authorizer,
  })
  const nginx = await startNginx({
    binary: process.env['RINGFENCE_TEST_NGINX'] ?? '/usr/sbin/nginx',
    directory: join(directory, 'nginx'),
    configuration,
    secret: SECRET,
    settings: {
      authorizer: { socket },
      bodyBytesMax: gatewayOptions.limits?.bodyBytesMax ?? GATEWAY_LIMITS.bodyBytesMax,
      ...(authorizer?.remembered === true ? { cache: join(directory, 'nginx', 'decisions') } : {}),
      ...(isTls ? { certificates: place } : {}),
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
    url: `${publicProtocol}://127.0.0.1:${nginx.port}`,
    port: nginx.port,
    nginx,
    removeCertificate: (host) => rm(join(place, host), { recursive: true }),
    decide: gateway.decide,
    closeAuthorizer,
    reopenLogs: () => nginx.reopenLogs(),
    async close() {
      await nginx.stop()
      await closeAuthorizer()
      await gateway.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
