import { isSignedByItsKey, type Proof, thumbprintOf, tokenHashOf } from '../tokens/dpop-proof.ts'
import { CLOCK_TOLERANCE_SECONDS } from '../tokens/verify-token.ts'
import type { GatewayCheck } from './check.ts'
import { Denial, unauthenticated } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { valuesOf } from './headers.ts'
import { calledUrl, comparableUrl } from './public-url.ts'
import type { Use } from './used-proofs.ts'

/** For so long after it was made a proof is accepted. */
const PROOF_SECONDS = 60
/** Longer than any proof that comes now is accepted, by whichever clock. Milliseconds. */
export const PROOF_LIFE_MS = (PROOF_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS) * 1000

/** A check of the proof that came with a token, where one must. */
function ofProof(
  name: string,
  holds: (
    proof: Proof,
    exchange: Exchange,
    memory: Parameters<GatewayCheck['run']>[1],
  ) => boolean | Promise<boolean>,
): GatewayCheck {
  return {
    name,
    run(exchange, memory) {
      const { scheme, proof } = exchange
      if (scheme !== 'dpop' || isProven(exchange)) return undefined
      const demand = (isGood: boolean) => {
        if (!isGood) throw unauthenticated(`proof: ${name}`, true)
      }
      const found = proof !== undefined && holds(proof, exchange, memory)
      return typeof found === 'boolean' ? demand(found) : found.then(demand)
    },
  }
}

/** Whether the gateway itself calls, for a request whose proof it has seen for this very token. */
function isProven({ head: { inner }, token }: Exchange): boolean {
  return inner !== undefined && token !== '' && inner.provenToken === token
}

/**
 * Whether a token that is bound to a key is presented by whoever has the key (RFC 9449): a stolen one
 * is worth nothing without.
 */
export const PROOF_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'token-in-its-scheme',
    run(exchange) {
      if (isProven(exchange)) return
      const { scheme, claimed, incoming } = exchange
      const proofs = valuesOf(incoming, 'dpop').length
      const bound = claimed?.boundTo !== undefined
      const fits = bound ? scheme === 'dpop' && proofs === 1 : scheme === 'bearer' && proofs === 0
      if (!fits) throw unauthenticated('not presented as the token is bound', true)
    },
  },
  ofProof('proof-is-signed', (_, { proofText }) => isSignedByItsKey(proofText)),
  ofProof(
    'proof-by-the-tokens-key',
    async (proof, { claimed }) => (await thumbprintOf(proof)) === claimed?.boundTo,
  ),
  ofProof('proof-for-the-token', ({ tokenHash }, { token }) => tokenHash === tokenHashOf(token)),
  ofProof('proof-for-the-method', ({ method }, { head }) => method === head.method),
  ofProof('proof-for-the-url', ({ url }, exchange, { publicProtocol }) => {
    const called = calledUrl(exchange, publicProtocol)
    return called !== undefined && comparableUrl(url) === called
  }),
  ofProof('proof-is-recent', ({ issuedAt }) => {
    const age = (Date.now() - issuedAt.getTime()) / 1000
    return age <= PROOF_SECONDS && age >= -CLOCK_TOLERANCE_SECONDS
  }),
  ofProof('proof-once', ({ id }, { tenant, claimed }, { proofs }) => {
    if (tenant === undefined) return false
    const use = proofs.take(tenant.id, claimed?.boundTo ?? '', id)
    return use instanceof Promise ? use.then(isFirst) : isFirst(use)
  }),
]

/** @throws Denial */
function isFirst(use: Use): boolean {
  if (use === 'too-many') {
    throw new Denial('overloaded', 'too many requests: wait', 'no room for proofs', [
      ['retry-after', '1'],
    ])
  }
  return use === 'first'
}
