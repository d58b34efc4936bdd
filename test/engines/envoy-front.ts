import { AsyncResource } from 'node:async_hooks'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAuthorizer } from '../../src/external-authorization/authorizer.ts'
import { openEnvoyAuthorizer } from '../../src/external-authorization/envoy-authorizer.ts'
import {
  BODY_BYTES_LEAST,
  type EnvoySettingsInput,
} from '../../src/external-authorization/envoy-settings.ts'
import { GATEWAY_CHECKS } from '../../src/gateway/checks.ts'
import { GATEWAY_LIMITS } from '../../src/gateway/limits.ts'
import { openGateway, type OpenGatewayOptions } from '../../src/gateway/open-gateway.ts'
import { type EnvoyServer, startEnvoy } from './envoy-server.ts'
import { hostsOf, inForce, SECRET, writeCertificates } from './proxy-front.ts'
import type { ProxyFront } from './proxy-site.ts'

export interface EnvoyFrontOptions {
  readonly settings?: Partial<EnvoySettingsInput>
  readonly change?: (text: string) => string
  /** TLS ends at Envoy. Default: where it would end at the gateway. */
  readonly tls?: boolean
  /** Checks of the gateway that are left out, for what two of them hold. */
  readonly leftOut?: readonly string[]
}

export interface EnvoyFront extends ProxyFront {
  readonly envoy: EnvoyServer
}

/** Envoy in the place of the gateway, which decides behind it. */
export async function openEnvoyFront(
  gatewayOptions: OpenGatewayOptions,
  { settings, change, tls, leftOut = [] }: EnvoyFrontOptions = {},
): Promise<EnvoyFront> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-envoy-'))
  const { certificates, checks = GATEWAY_CHECKS, ...plain } = gatewayOptions
  const isTls = tls ?? certificates !== undefined
  const publicProtocol = isTls ? 'https' : 'http'
  const gateway = await openGateway({
    ...plain,
    checks: checks.filter(({ name }) => !leftOut.includes(name)),
    publicProtocol,
  })
  const configuration = inForce(gatewayOptions.source)
  const place = join(directory, 'certificates')
  if (isTls) await writeCertificates(place, hostsOf(configuration), gatewayOptions.hosts)
  const socket = join(directory, 'authorizer')
  const open = settings?.protocol === 'http' ? openAuthorizer : openEnvoyAuthorizer
  const listening = await open({
    // What gRPC calls is nobody's work otherwise: an attack counts signatures.
    decide: AsyncResource.bind(gateway.decide),
    listen: { socket },
    secret: SECRET,
    publicProtocol,
  })
  const closeBehind = async () => {
    await listening.close()
    await gateway.close()
  }
  const envoy = await startEnvoy({
    binary: process.env['RINGFENCE_TEST_ENVOY'] ?? 'envoy',
    directory: join(directory, 'envoy'),
    configuration,
    secret: SECRET,
    settings: {
      authorizer: { socket },
      bodyBytesMax: Math.max(
        BODY_BYTES_LEAST,
        gatewayOptions.limits?.bodyBytesMax ?? GATEWAY_LIMITS.bodyBytesMax,
      ),
      ...(isTls ? { certificates: place } : {}),
      ...settings,
    },
    ...(change === undefined ? {} : { change }),
  }).catch(async (error: unknown) => {
    await closeBehind()
    throw error
  })
  let isClosed = false
  const closeAuthorizer = async () => {
    if (isClosed) return
    isClosed = true
    await listening.close()
  }
  return {
    url: `${publicProtocol}://127.0.0.1:${envoy.port}`,
    port: envoy.port,
    envoy,
    decide: gateway.decide,
    closeAuthorizer,
    reopenLogs: () => envoy.reopenLogs(),
    async close() {
      await envoy.stop()
      await closeAuthorizer()
      await gateway.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
