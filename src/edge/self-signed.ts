import 'reflect-metadata'
import { createPrivateKey } from 'node:crypto'
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import type { Certificate } from './certificate-store.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

/**
 * A certificate that vouches for itself: for proofs and for trying out, where nobody else has to believe it.
 * @param days from now on; negative for one that is over
 */
export async function selfSigned(hosts: readonly string[], days = 30): Promise<Certificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const now = Date.now()
  const made = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${hosts[0] ?? 'localhost'}`,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - DAY_MS + Math.min(0, days) * DAY_MS),
    notAfter: new Date(now + days * DAY_MS),
    extensions: [
      new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns' as const, value }))),
    ],
  })
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  return {
    chain: made.toString('pem'),
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
}
