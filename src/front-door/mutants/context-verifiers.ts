import { parseTenantId } from '../../core/tenant.ts'
import type { Carelessness } from '../../strikes/careless-verify.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Ground } from '../house/ground.ts'
import type { ServiceVerifier } from '../house/pieces.ts'
import { carelessContext, verifyContextCarelessly } from './careless-checks.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** Vending verifies contexts with something amiss. */
function contexts(
  id: string,
  title: string,
  noticedBy: readonly string[],
  amiss: Parameters<typeof carelessContext>[0],
): FrontDoorMutant {
  return mutant(`fd-context-verifier-${id}`, title, noticedBy, ({ vendingChecks }) => ({
    vendingChecks: replaced(vendingChecks, carelessContext(amiss)),
  }))
}

/** A service verifies contexts by itself, with something amiss. */
function service(
  id: string,
  title: string,
  noticedBy: readonly string[],
  amiss: Carelessness | 'one-key-set' | undefined,
): FrontDoorMutant {
  return mutant(`fd-service-verifier-${id}`, title, noticedBy, () => ({
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

/** Verification of contexts with one rule amiss, in the place of that of vending and of the SDK. */
export const CONTEXT_VERIFIER_MUTANTS: readonly FrontDoorMutant[] = [
  contexts('expiry', 'Contexts at vending that never end', ['fd-context-expired'], 'expiry'),
  contexts('own-key', 'Contexts at vending that bring their key', ['fd-context-forged'], 'own-key'),
  contexts(
    'one-key-set',
    'One set of keys at vending for requests and jobs',
    ['fd-context-kinds-swapped'],
    'one-key-set',
  ),
  contexts('typ', 'Contexts at vending of any type', ['fd-context-kinds-swapped'], 'typ'),
  contexts(
    'optional',
    'Claims of contexts looked at by vending where they are there',
    ['fd-context-claims'],
    'optional',
  ),
  service(
    'signature',
    'A service that reads contexts and leaves it to the network who sends them',
    ['fd-context-altered', 'fd-context-forged', 'fd-context-kinds-swapped'],
    'signature',
  ),
  service('issuer', 'A service that takes contexts of any issuer', ['fd-context-claims'], 'issuer'),
  service(
    'audience',
    'A service that takes contexts for others',
    ['fd-context-other-service', 'fd-context-claims'],
    'audience',
  ),
  service(
    'expiry',
    'A service that takes contexts after their end',
    ['fd-context-expired'],
    'expiry',
  ),
  service(
    'unsigned',
    'A service that takes contexts with alg none',
    ['fd-context-forged'],
    'unsigned',
  ),
  service(
    'one-key-set',
    'A service with one set of keys for requests and jobs',
    ['fd-context-kinds-swapped'],
    'one-key-set',
  ),
]
