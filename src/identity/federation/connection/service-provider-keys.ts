import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { X509CertificateGenerator } from '@peculiar/x509'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { ServiceProviderCertificates } from './connection.ts'

/**
 * The certificate is only the wrapping that SAML wants of a public key: partners pin it, and nobody
 * checks its dates against an authority.
 */
const YEARS = 10

export interface ServiceProviderKeys {
  readonly signingKey: JWK
  readonly encryptionKey: JWK
  readonly certificates: ServiceProviderCertificates
}

/** New RSA keys of one connection: what signs is not what decrypts. */
export async function makeServiceProviderKeys(name: string): Promise<ServiceProviderKeys> {
  const [signing, encryption] = await Promise.all([
    keyWithCertificate(name),
    keyWithCertificate(name),
  ])
  return {
    signingKey: signing.key,
    encryptionKey: encryption.key,
    certificates: { signing: signing.certificate, encryption: encryption.certificate },
  }
}

async function keyWithCertificate(name: string): Promise<{ key: JWK; certificate: string }> {
  const keys = await generateKeyPair('RS256', { modulusLength: 2_048, extractable: true })
  const now = new Date()
  const until = new Date(now)
  until.setUTCFullYear(now.getUTCFullYear() + YEARS)
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [name] }],
      notBefore: now,
      notAfter: until,
      signingAlgorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
      keys,
    },
    webcrypto,
  )
  return { key: await exportJWK(keys.privateKey), certificate: certificate.toString('pem') }
}
