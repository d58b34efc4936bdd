import { parseTenantId } from '../../core/tenant.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Ground } from '../house/ground.ts'
import type { ServiceVerifier } from '../house/pieces.ts'
import {
  carelessAssertion,
  carelessContext,
  type CarelessToken,
  carelessToken,
  verifyContextCarelessly,
} from './careless-checks.ts'
import type { Carelessness } from '../../strikes/careless-verify.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** The gateway verifies tokens with something amiss. */
function atGateway(
  id: string,
  title: string,
  noticedBy: string,
  how: CarelessToken,
): FrontDoorMutant {
  return mutant(`fd-token-verifier-${id}`, title, [noticedBy], ({ gatewayChecks }) => ({
    gatewayChecks: replaced(gatewayChecks, carelessToken(how)),
  }))
}

/** Vending verifies assertions, or contexts, with something amiss. */
function assertions(
  id: string,
  title: string,
  noticedBy: string,
  amiss: Parameters<typeof carelessAssertion>[0],
): FrontDoorMutant {
  return mutant(`fd-assertion-verifier-${id}`, title, [noticedBy], ({ vendingChecks }) => ({
    vendingChecks: replaced(vendingChecks, carelessAssertion(amiss)),
  }))
}

function contexts(
  id: string,
  title: string,
  noticedBy: string,
  amiss: Parameters<typeof carelessContext>[0],
): FrontDoorMutant {
  return mutant(`fd-context-verifier-${id}`, title, [noticedBy], ({ vendingChecks }) => ({
    vendingChecks: replaced(vendingChecks, carelessContext(amiss)),
  }))
}

/** A service verifies contexts by itself, with something amiss. */
function service(
  id: string,
  title: string,
  noticedBy: string,
  amiss: Carelessness | 'one-key-set' | undefined,
): FrontDoorMutant {
  return mutant(`fd-service-verifier-${id}`, title, [noticedBy], () => ({
    verifierOf: (ground) => carelessService(ground, amiss),
  }))
}

/** A service that does not use the SDK. */
export function carelessService(
  { keys }: Ground,
  amiss: Carelessness | 'one-key-set' | undefined,
): ServiceVerifier {
  return async ({ headers }, name) => {
    const token = String(headers[CONTEXT_HEADER])
    const header = Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()
    const claims = verifyContextCarelessly(
      token,
      {
        contextKeys: [keys.context.publicJwk],
        jobKeys: [keys.job.publicJwk],
        kind: header.includes('rf-job') ? 'job' : 'request',
        service: name,
      },
      amiss,
    )
    return {
      tenant: parseTenantId(claims['tenant_id']),
      scopes: String(claims['scope']).split(' '),
    }
  }
}

/** Verification with one rule amiss, in the place of that of the gateway, vending and the SDK. */
export const VERIFIER_MUTANTS: readonly FrontDoorMutant[] = [
  atGateway('typ', 'Access tokens of any type', 'fd-token-typ', { amiss: 'typ' }),
  atGateway('audience', 'Access tokens for any audience', 'fd-token-audience', {
    amiss: 'audience',
  }),
  atGateway('audience-lists', 'Access tokens for several audiences', 'fd-token-audience', {
    amiss: 'audience-lists',
  }),
  atGateway('expiry', 'Access tokens that never end', 'fd-token-expired', { amiss: 'expiry' }),
  atGateway('beginning', 'Access tokens before their time', 'fd-token-not-yet-valid', {
    amiss: 'beginning',
  }),
  atGateway('lifetime', 'Access tokens that live as long as they say', 'fd-token-over-long', {
    amiss: 'lifetime',
  }),
  atGateway('strictness', 'Access tokens with claims twice', 'fd-token-claim-twice', {
    amiss: 'strictness',
  }),
  atGateway('unsigned', 'Access tokens with alg none', 'fd-token-alg-none', { amiss: 'unsigned' }),
  atGateway('secret', 'The algorithm taken from the token', 'fd-token-alg-hmac', {
    amiss: 'secret',
  }),
  atGateway('own-key', 'The key taken from the token', 'fd-token-own-key-inside', {
    amiss: 'own-key',
  }),
  atGateway('pooled-keys', 'The keys of all realms in one set', 'fd-token-claims-disagree', {
    pooledKeys: true,
  }),
  atGateway('memory', 'Good tokens remembered without their tenant', 'fd-token-remembered', {
    remembersTokenAlone: true,
  }),
  assertions('typ', 'Anything that a workload signed', 'fd-workload-other-kind', 'typ'),
  assertions('audience', 'Assertions for anybody', 'fd-workload-other-audience', 'audience'),
  assertions(
    'audience-lists',
    'Assertions for several',
    'fd-workload-other-audience',
    'audience-lists',
  ),
  assertions('expiry', 'Assertions that never end', 'fd-workload-old-assertion', 'expiry'),
  assertions(
    'lifetime',
    'Assertions that live as long as they say',
    'fd-workload-old-assertion',
    'lifetime',
  ),
  assertions('own-key', 'Assertions that bring their key', 'fd-workload-other-key', 'own-key'),
  assertions('subject', 'Assertions about somebody else', 'fd-workload-other-subject', 'subject'),
  contexts('expiry', 'Contexts at vending that never end', 'fd-context-expired', 'expiry'),
  contexts('own-key', 'Contexts at vending that bring their key', 'fd-context-forged', 'own-key'),
  contexts(
    'one-key-set',
    'One set of keys at vending for requests and jobs',
    'fd-context-kinds-swapped',
    'one-key-set',
  ),
  contexts('typ', 'Contexts at vending of any type', 'fd-context-kinds-swapped', 'typ'),
  service(
    'audience',
    'A service that takes contexts for others',
    'fd-context-other-service',
    'audience',
  ),
  service(
    'expiry',
    'A service that takes contexts after their end',
    'fd-context-expired',
    'expiry',
  ),
  service(
    'unsigned',
    'A service that takes contexts with alg none',
    'fd-context-forged',
    'unsigned',
  ),
  service(
    'one-key-set',
    'A service with one set of keys for requests and jobs',
    'fd-context-kinds-swapped',
    'one-key-set',
  ),
]
