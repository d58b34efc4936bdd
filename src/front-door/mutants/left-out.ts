import { GATEWAY_CHECKS } from '../../gateway/checks.ts'
import { VENDING_CHECKS } from '../../vending/checks.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

/** Which attack gets through when a check of the gateway is gone. */
const GATEWAY: Readonly<Record<string, string>> = {
  'network-is-not-blocked': 'fd-network-blocked',
  method: 'fd-framing-method',
  'no-upgrade': 'fd-framing-tunnel',
  framing: 'fd-framing-codings',
  'one-host': 'fd-route-two-hosts',
  'plain-target': 'fd-route-separators',
  'no-token-in-query': 'fd-route-token-in-query',
  'one-authorization': 'fd-route-two-tokens',
  token: 'fd-token-claims-disagree',
  'host-is-known': 'fd-route-unknown-host',
  'host-and-path-agree': 'fd-route-host-and-path',
  'issuer-is-the-tenants': 'fd-realm-shared-key-issuer',
  'token-is-for-the-tenant': 'fd-realm-shared-key-tenant',
  'tenant-is-served': 'fd-suspended-token',
  'not-revoked': 'fd-revoked-session',
  'token-in-its-scheme': 'fd-proof-as-bearer',
  'proof-is-signed': 'fd-proof-forged',
  'proof-by-the-tokens-key': 'fd-proof-other-key',
  'proof-for-the-token': 'fd-proof-other-token',
  'proof-for-the-method': 'fd-proof-other-method',
  'proof-for-the-url': 'fd-proof-other-url',
  'proof-is-recent': 'fd-proof-old',
  'proof-once': 'fd-proof-replayed',
  scope: 'fd-token-without-scope',
  'no-writes-in-a-pause': 'fd-paused-write',
  'grant-stands': 'fd-grant-taken-back',
  'grantee-is-served': 'fd-grant-grantee-suspended',
  'scope-of-the-grant': 'fd-grant-scope',
  'api-of-the-grant': 'fd-grant-api',
  'action-of-the-grant': 'fd-grant-action',
  'resource-of-the-grant': 'fd-grant-resource',
  'handshake-is-for-the-host': 'fd-network-handshake',
  'network-of-the-tenant': 'fd-network-spoofed',
  'upgrade-of-the-api': 'fd-framing-tunnel',
  'upgrades-at-once': 'fd-upgrade-all',
  'method-of-the-api': 'fd-route-method',
  rate: 'fd-load-plan',
  concurrency: 'fd-load-seats',
  quota: 'fd-limit-quota',
  'entered-before': 'fd-audit-unwritable',
  'usage-quota': 'fd-limit-spent',
  admission: 'fd-limit-queue',
  'body-size': 'fd-load-body',
  'scope-of-the-method': 'fd-policy-scope',
  'platform-policies': 'fd-policy-platform',
  policies: 'fd-policy-role',
  rego: 'fd-policy-rego',
  operation: 'fd-openapi-operation',
  'body-of-the-operation': 'fd-openapi-body',
  'one-content-type': 'fd-guardrail-two-types',
  'guardrails-see-all': 'fd-guardrail-upgrade',
  'request-type': 'fd-guardrail-type',
  'request-content': 'fd-guardrail-weakened',
  'request-size': 'fd-guardrail-size',
  'answer-type': 'fd-guardrail-answer-type',
  'answer-content': 'fd-guardrail-answer',
  'answer-size': 'fd-guardrail-answer-size',
  'strip-hop-by-hop': 'fd-header-connection',
  'strip-trusted': 'fd-header-tenant',
  'strip-answer': 'fd-header-answer',
  'scope-answer': 'fd-answer-scope',
}

/** The same for vending. */
const VENDING: Readonly<Record<string, string>> = {
  'each-parameter-once': 'fd-lease-parameter-twice',
  'one-way-in': 'fd-lease-second-way-in',
  'nothing-else-asked': 'fd-lease-tenant-in-form',
  'client-assertion': 'fd-workload-other-key',
  'client-assertion-once': 'fd-workload-replay',
  'client-id-agrees': 'fd-workload-other-name',
  'workload-limit': 'fd-load-workload',
  'context-signature': 'fd-context-forged',
  'context-for-own-service': 'fd-context-other-workload',
  'context-not-revoked': 'fd-revoked-context',
  'tenant-served': 'fd-lease-suspended',
  'grant-stands': 'fd-grant-lease-taken-back',
  'lease-within-grant': 'fd-grant-lease-outlives',
  'lease-of-own-tenant': 'fd-lease-revoke-foreign',
  'lease-of-own-workload': 'fd-lease-revoke-other-workload',
  'scope-in-context': 'fd-lease-scope-widened',
  'scope-of-workload': 'fd-lease-scope-of-workload',
  'tenant-writes-open': 'fd-lease-paused-write',
  'lease-within-plan': 'fd-lease-too-long',
  'lease-within-job': 'fd-lease-outlives-job',
  'tenant-limit': 'fd-load-leases',
}

const noticers = (attack: string | undefined) => (attack === undefined ? [] : [attack])

/** Each check of the gateway and of vending, left out. A check that is added has its mutant by that. */
export const LEFT_OUT: readonly FrontDoorMutant[] = [
  ...GATEWAY_CHECKS.map(({ name }) =>
    mutant(
      `fd-gateway-without-${name}`,
      `The gateway's check ${name} left out`,
      noticers(GATEWAY[name]),
      ({ gatewayChecks }) => ({
        gatewayChecks: gatewayChecks.filter((check) => check.name !== name),
      }),
    ),
  ),
  ...VENDING_CHECKS.map(({ name }) =>
    mutant(
      `fd-vending-without-${name}`,
      `Vending's check ${name} left out`,
      noticers(VENDING[name]),
      ({ vendingChecks }) => ({
        vendingChecks: vendingChecks.filter((check) => check.name !== name),
      }),
    ),
  ),
]
