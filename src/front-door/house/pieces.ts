import type { IncomingMessage } from 'node:http'
import type { ServiceName } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { type AuthorizerOptions, openAuthorizer } from '../../external-authorization/authorizer.ts'
import { type ReadLine, readProxyLine } from '../../external-authorization/proxy-line.ts'
import { UsageSeal } from '../../external-authorization/usage-seal.ts'
import type { GatewayCheck } from '../../gateway/check.ts'
import { GATEWAY_CHECKS } from '../../gateway/checks.ts'
import type { GatewayLimits } from '../../gateway/limits.ts'
import { openGateway, type OpenGateway } from '../../gateway/open-gateway.ts'
import type { PlaceRules } from '../../gateway/place.ts'
import { Upstreams } from '../../gateway/upstream.ts'
import type { Listening } from '../../http/listen.ts'
import { DecisionPoint, type DecisionPointOptions } from '../../policy/decision-point.ts'
import {
  RevocationFollower,
  type RevocationFollowerOptions,
} from '../../revocation/revocation-follower.ts'
import type { RevocationSource } from '../../revocation/revocation.ts'
import { Ringfence } from '../../sdk/ringfence.ts'
import { type FollowerOptions, SnapshotFollower } from '../../snapshot/snapshot-follower.ts'
import type { ConfigurationSource } from '../../snapshot/snapshot.ts'
import {
  type UpstreamGuard,
  upstreamGuard,
  type UpstreamGuardOptions,
} from '../../upstreams/upstream-guard.ts'
import { type Check, VENDING_CHECKS } from '../../vending/checks.ts'
import type { VendingOptions } from '../../vending/vending.ts'
import { type Ground, VENDING_AUDIENCE } from './ground.ts'
import type { Settings } from './settings.ts'

/** Whoever keeps the configuration that is in force. */
export type Follower = ConfigurationSource & { close(): Promise<void> }

/** Whoever keeps what was revoked. */
export type RevocationKeeper = RevocationSource & { close(): Promise<void> }
export type RevocationFollowing = Partial<Pick<RevocationFollowerOptions, 'limitSeconds'>>

/** What a service makes of the context of a request. Throws for one that it does not accept. */
export type ServiceVerifier = (
  request: IncomingMessage,
  service: ServiceName,
) => Promise<{ readonly tenant: TenantId; readonly scopes: readonly string[] }>

type Fetch = (request: Request) => Response | Promise<Response>

/**
 * What a front door is put together from. The sound one is the product's own pieces; a mutant puts a
 * worse one in the place of one of them, as a careless change would.
 */
export interface Pieces {
  readonly gatewayChecks: readonly GatewayCheck[]
  readonly gatewayLimits: Partial<GatewayLimits>
  readonly openGateway: (
    options: Parameters<typeof openGateway>[0],
  ) => Promise<Pick<OpenGateway, 'url' | 'close'> & Partial<Pick<OpenGateway, 'decide'>>>
  /** Where tenants' own upstreams may be, and who keeps connections to upstreams. */
  readonly upstreamGuard: (options: UpstreamGuardOptions) => UpstreamGuard
  readonly connections: (rules: PlaceRules) => Upstreams
  /** What services ask, and what other proxies do, that pass requests on themselves. */
  readonly decisionPoint: (options: DecisionPointOptions, ground: Ground) => DecisionPoint
  readonly openAuthorizer: (options: AuthorizerOptions) => Promise<Listening>
  /** What is made of a line of such a proxy's log. */
  readonly proxyLines: (secret: string) => (line: string) => ReadLine | string
  readonly vendingChecks: readonly Check[]
  readonly vendingLimits: Partial<Pick<VendingOptions, 'atOncePerTenant'>>
  /** What stands before vending. */
  readonly vendingFront: (vending: Fetch, ground: Ground) => Fetch
  readonly follow: (options: FollowerOptions, ground: Ground) => Promise<Follower>
  readonly following: Partial<Pick<FollowerOptions, 'staleAfterSeconds'>>
  readonly followRevocations: (options: RevocationFollowerOptions) => Promise<RevocationKeeper>
  readonly revocationsFollowing: RevocationFollowing
  /** What each plane makes of what was revoked. */
  readonly gatewayRevocations: (source: RevocationSource) => RevocationSource
  readonly vendingRevocations: (source: RevocationSource) => RevocationSource
  /** What the control plane publishes. */
  readonly configure: (settings: Settings, ground: Ground) => Settings
  /** Whether the plane is told when the configuration changes. */
  readonly gatewayHears: boolean
  readonly vendingHears: boolean
  readonly verifierOf: (ground: Ground) => ServiceVerifier
  /** Where vending keeps its journal. @param start counts from 0 the times that vending was opened */
  readonly journalDirectory: (directory: string, start: number) => string
  /** What happens to the journal's directory once vending has opened it. */
  readonly afterwards: (journalDirectory: string) => void
  /** Milliseconds since the control plane last vouched for the configuration. */
  readonly silenceMs: number
}

/** Who reports what proxies carry. */
export const PROXIES = '/ringfence/gateway/proxies/nginx'

export const SOUND: Pieces = {
  gatewayChecks: GATEWAY_CHECKS,
  gatewayLimits: {},
  openGateway,
  upstreamGuard,
  connections: (rules) => new Upstreams(rules),
  decisionPoint: (options) => new DecisionPoint(options),
  openAuthorizer,
  proxyLines(secret) {
    const seal = new UsageSeal(secret)
    return (line) => readProxyLine(line, PROXIES, seal)
  },
  vendingChecks: VENDING_CHECKS,
  vendingLimits: {},
  vendingFront: (vending) => vending,
  follow: (options) => SnapshotFollower.open(options),
  following: {},
  followRevocations: (options) => RevocationFollower.open(options),
  revocationsFollowing: {},
  gatewayRevocations: (source) => source,
  vendingRevocations: (source) => source,
  configure: (settings) => settings,
  gatewayHears: true,
  vendingHears: true,
  verifierOf: sdkVerifier,
  journalDirectory: (directory) => directory,
  afterwards: () => undefined,
  silenceMs: 0,
}

/** As services do: through the SDK. */
function sdkVerifier({ keys, workloads }: Ground): ServiceVerifier {
  const { web } = workloads
  const byService = new Map<ServiceName, Ringfence>()
  return (request, service) => {
    const sdk =
      byService.get(service) ??
      new Ringfence({
        service,
        clientId: web.client,
        clientKey: web.key.privateJwk,
        contextKeys: { request: [keys.context.publicJwk], job: [keys.job.publicJwk] },
        vending: { address: 'unix:/nowhere', audience: VENDING_AUDIENCE },
      })
    byService.set(service, sdk)
    return sdk.verifyRequest(request)
  }
}
