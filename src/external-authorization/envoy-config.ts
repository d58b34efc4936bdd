import type { Configuration } from '../snapshot/snapshot.ts'
import { asking } from './envoy-asking.ts'
import { authorizerCluster, upstreamCluster } from './envoy-clusters.ts'
import { envoyListener } from './envoy-listener.ts'
import { type EnvoySettingsInput, parseEnvoySettings } from './envoy-settings.ts'
import { proxyUpstreams } from './proxy-upstreams.ts'

/**
 * The whole configuration of an Envoy (1.38 or later) that asks an authorizer about every request, as
 * JSON. It opens no listener for operators: what those could do, whoever reaches it could.
 * @throws RingfenceError `invalid_argument` for settings that are not good, `invalid_manifest` for
 *   upstreams that Envoy cannot be told
 */
export function envoyConfig(
  configuration: Pick<Configuration, 'platform' | 'tenants'>,
  input: EnvoySettingsInput,
): string {
  const settings = parseEnvoySettings(input)
  const upstreams = proxyUpstreams(configuration.platform).filter(({ servers }) =>
    servers.some(({ weight }) => weight > 0),
  )
  const hosts = settings.hosts ?? [...configuration.tenants()].flatMap((tenant) => tenant.hosts)
  const made = {
    // What reads the secret's file wants them.
    node: { id: 'ringfence', cluster: 'ringfence' },
    static_resources: {
      listeners: [envoyListener(settings, [...new Set(hosts)].sort(), upstreams, asking(settings))],
      clusters: [
        authorizerCluster(settings),
        ...upstreams.map((upstream) => upstreamCluster(upstream, settings)),
      ],
    },
  }
  return `${JSON.stringify(made, undefined, 2)}\n`
}
