import { generateKeyPairSync, sign } from 'node:crypto'
import { keyIdOf } from './dsse.ts'
import type { EvidenceKey } from './evidence-key.ts'
import { attack, fakeBoundary, FAKE_ATTACKS, finding, RUN } from './fake-boundary.test-support.ts'
import type { ProofReport } from './proof-report.ts'
import { runProof } from './run-proof.ts'

/** Text that tries to break out of every format: markup, placeholders, terminal codes, bad characters. */
export const HOSTILE =
  '<img src=x onerror=alert(1)> </style><script>alert(2)</script> "quoted" \'single\' &amp; ]]> {0} \u001b[31mred\u0000 \ud800 \u202e{x}'

/** A run that is proven. */
export function provenReport(): Promise<ProofReport> {
  return runProof({ ...RUN, boundaries: [fakeBoundary()], environment: { Fake: '1.0' } })
}

/** A run with a leak, a void strike, an unnoticed and a void mutant, findings, a void tier, a warning. */
export function troubledReport(): Promise<ProofReport> {
  const boundary = fakeBoundary({
    attacks: [...FAKE_ATTACKS, attack('fake-hostile', HOSTILE, 'read', { bridge: HOSTILE })],
    verdict: (attack, tier, _mutant, attacker) => {
      if (attack.limits[tier] !== undefined) return 'limit'
      if (attack.id === 'fake-write' && tier === 'bridge') return 'leaked'
      return attack.id === 'fake-flood' && attacker === 'birch' ? 'void' : 'denied'
    },
    findings: () => [
      { ...finding('fake-open', HOSTILE, 'high'), fix: HOSTILE },
      finding('fake-size', 'disk', 'info'),
    ],
    canariesSeen: (tenants, tier) => (tier === 'silo' ? [] : tenants),
    before: (step, tier, id) => {
      if (step === 'weaken' && id === 'fake-grant-all') throw new Error(HOSTILE)
      if (step === 'close' && tier === 'silo') throw new Error(HOSTILE)
    },
  })
  const environment = { [HOSTILE]: HOSTILE }
  return runProof({ ...RUN, boundaries: [boundary], environment, live: true })
}

/** A key that lives as long as the test. */
export function passingKey(): EvidenceKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    keyid: keyIdOf(publicKey),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (bytes) => sign(null, bytes, privateKey),
  }
}

/** Elements of a well-formed XML document in order, each with its attributes. Throws for any other. */
export function readXml(
  text: string,
): readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[] {
  const elements: { name: string; attributes: Record<string, string> }[] = []
  const open: string[] = []
  const pattern = /<\?xml [^?]*\?>|<(\/?)([a-z-]+)((?:\s+[a-z:]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy
  let end = 0
  for (const match of text.matchAll(pattern)) {
    end = match.index + match[0].length
    const [, closing, name, attributes = '', empty, content] = match
    if (content !== undefined && /&(?!(?:amp|lt|gt|quot|#39);)|\]\]>/.test(content)) {
      throw new Error(`not escaped: ${content}`)
    }
    if (name === undefined) continue
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes another element`)
      continue
    }
    const pairs = [...attributes.matchAll(/([a-z:]+)="([^"]*)"/g)]
    elements.push({ name, attributes: Object.fromEntries(pairs.map(([, k, v]) => [k, v])) })
    if (!empty) open.push(name)
  }
  if (end !== text.length || open.length > 0)
    throw new Error(`broken at ${text.slice(end, end + 80)}`)
  return elements
}
