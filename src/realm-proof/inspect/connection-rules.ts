import { X509Certificate } from 'node:crypto'
import type { Finding } from '../../core/finding.ts'
import type { Connection } from '../../identity/federation/connection/connection.ts'
import { finding } from './finding.ts'

const SKEW_SECONDS_MAX = 120
const LOOPBACK = /^http:\/\/127\.0\.0\.1[:/]/

/** Where a connection of a realm to an identity provider believes more than it should. */
export function connectionRules(tenant: string, connection: Connection): readonly Finding[] {
  const object = `connection ${connection.id} of ${tenant}`
  const rule = (
    name: string,
    severity: Finding['severity'],
    wide: boolean,
    explanation: string,
  ): readonly Finding[] => (wide ? [finding(name, severity, object, explanation)] : [])
  const { mapping, provisioning } = connection.config
  const vouched = mapping.emailVerified
  const believed = provisioning !== 'off' && vouched !== undefined && 'constant' in vouched
  return [
    ...rule(
      'id-connection-mail-believed',
      'high',
      connection.kind === 'oidc' && believed,
      'Addresses count as verified that the provider does not vouch for: who claims one there is its user here.',
    ),
    ...rule(
      'id-connection-plain',
      'critical',
      addressesOf(connection).some((url) => url.startsWith('http:') && !LOOPBACK.test(url)),
      'Its provider is reached over http: whoever is on the way is the provider.',
    ),
    ...(connection.kind === 'saml'
      ? [
          ...rule(
            'id-connection-clock',
            'medium',
            connection.config.clockSkewSeconds > SKEW_SECONDS_MAX,
            'What the provider signed is good for minutes after its end.',
          ),
          ...rule(
            'id-connection-certificate-over',
            'medium',
            certificatesOf(connection).some(isOver),
            'It pins a certificate that has ended: nobody looks after this connection.',
          ),
        ]
      : []),
  ]
}

function addressesOf({ kind, config }: Connection): readonly string[] {
  if (kind === 'oidc') return [config.issuer]
  return ['ssoUrl' in config.trust ? config.trust.ssoUrl : config.trust.metadataUrl]
}

function certificatesOf({ config }: Extract<Connection, { kind: 'saml' }>): readonly string[] {
  return 'certificates' in config.trust ? config.trust.certificates : config.trust.signedBy
}

function isOver(certificate: string): boolean {
  return Date.parse(new X509Certificate(certificate).validTo) < Date.now()
}
