import { carelessAssertion, type CarelessToken, carelessToken } from './careless-checks.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** The gateway verifies tokens with something amiss. */
function atGateway(
  id: string,
  title: string,
  noticedBy: readonly string[],
  how: CarelessToken,
): FrontDoorMutant {
  return mutant(`fd-token-verifier-${id}`, title, noticedBy, ({ gatewayChecks }) => ({
    gatewayChecks: replaced(gatewayChecks, carelessToken(how)),
  }))
}

/** Vending verifies assertions with something amiss. */
function assertions(
  id: string,
  title: string,
  noticedBy: readonly string[],
  amiss: Parameters<typeof carelessAssertion>[0],
): FrontDoorMutant {
  return mutant(`fd-assertion-verifier-${id}`, title, noticedBy, ({ vendingChecks }) => ({
    vendingChecks: replaced(vendingChecks, carelessAssertion(amiss)),
  }))
}

/** Verification of tokens and assertions with one rule amiss, at the gateway and at vending. */
export const VERIFIER_MUTANTS: readonly FrontDoorMutant[] = [
  atGateway('typ', 'Access tokens of any type', ['fd-token-typ'], { amiss: 'typ' }),
  atGateway('audience', 'Access tokens for any audience', ['fd-token-audience'], {
    amiss: 'audience',
  }),
  atGateway('audience-lists', 'Access tokens for several audiences', ['fd-token-audience'], {
    amiss: 'audience-lists',
  }),
  atGateway('expiry', 'Access tokens that never end', ['fd-token-expired'], { amiss: 'expiry' }),
  atGateway('beginning', 'Access tokens before their time', ['fd-token-not-yet-valid'], {
    amiss: 'beginning',
  }),
  atGateway('lifetime', 'Access tokens that live as long as they say', ['fd-token-over-long'], {
    amiss: 'lifetime',
  }),
  atGateway('strictness', 'Access tokens with claims twice', ['fd-token-claim-twice'], {
    amiss: 'strictness',
  }),
  atGateway('unsigned', 'Access tokens with alg none', ['fd-token-alg-none'], {
    amiss: 'unsigned',
  }),
  atGateway('secret', 'The algorithm taken from the token', ['fd-token-alg-hmac'], {
    amiss: 'secret',
  }),
  atGateway('own-key', 'The key taken from the token', ['fd-token-own-key-inside'], {
    amiss: 'own-key',
  }),
  atGateway(
    'pooled-keys',
    'The keys of all realms in one set',
    [
      'fd-token-claims-disagree',
      'fd-token-kid-foreign',
      'fd-token-own-key-inside',
      'fd-token-remembered',
      'fd-exists-by-answer',
      'fd-load-strangers',
    ],
    { pooledKeys: true },
  ),
  atGateway(
    'key-files',
    'Keys looked for in files that tokens name, secrets among them',
    ['fd-token-kid-injection'],
    { amiss: 'key-files' },
  ),
  atGateway(
    'algorithm',
    'Signatures by algorithms that are not known taken as verified',
    ['fd-token-alg-other', 'fd-token-alg-none', 'fd-token-alg-hmac', 'fd-token-kid-injection'],
    { amiss: 'algorithm' },
  ),
  atGateway(
    'extensions',
    'Access tokens with critical extensions that are not known',
    ['fd-token-header-extensions'],
    { amiss: 'extensions' },
  ),
  atGateway(
    'optional',
    'Claims of access tokens looked at where they are there',
    ['fd-token-claim-missing'],
    { amiss: 'optional' },
  ),
  atGateway('memory', 'Good tokens remembered without their tenant', ['fd-token-remembered'], {
    remembersTokenAlone: true,
  }),
  assertions('typ', 'Anything that a workload signed', ['fd-workload-other-kind'], 'typ'),
  assertions('audience', 'Assertions for anybody', ['fd-workload-other-audience'], 'audience'),
  assertions(
    'audience-lists',
    'Assertions for several',
    ['fd-workload-other-audience'],
    'audience-lists',
  ),
  assertions('expiry', 'Assertions that never end', ['fd-workload-old-assertion'], 'expiry'),
  assertions(
    'lifetime',
    'Assertions that live as long as they say',
    ['fd-workload-old-assertion'],
    'lifetime',
  ),
  assertions('own-key', 'Assertions that bring their key', ['fd-workload-other-key'], 'own-key'),
  assertions('subject', 'Assertions about somebody else', ['fd-workload-other-subject'], 'subject'),
]
