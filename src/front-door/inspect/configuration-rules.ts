import type { Finding, Severity } from '../../core/finding.ts'
import type { Configuration } from '../../snapshot/snapshot.ts'
import { keyRules } from './key-rules.ts'

/** The control plane confirms every few seconds; it is not well when it has said nothing for this long. */
const SILENCE_SECONDS_MAX = 600
/** Longer than this nobody should be served by what may have been withdrawn since. */
const STALE_AFTER_SECONDS_MAX = 7 * 86_400
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Where a configuration makes the front door wider than promised.
 * @param staleAfterSeconds the age up to which the plane serves from it; undefined for the default
 */
export function inspectConfiguration(
  configuration: Configuration,
  staleAfterSeconds: number | undefined,
  now: Date = new Date(),
): readonly Finding[] {
  return [
    ...age(configuration, now),
    ...staleLimit(staleAfterSeconds),
    ...upstreams(configuration),
    ...keyRules(configuration),
    ...issuers(configuration),
  ]
}

function age({ confirmedAt }: Configuration, now: Date): readonly Finding[] {
  const seconds = (now.getTime() - confirmedAt.getTime()) / 1000
  if (seconds <= SILENCE_SECONDS_MAX) return []
  return [
    finding(
      'fd-configuration-old',
      'medium',
      'configuration',
      `The control plane has not vouched for the configuration for more than ${SILENCE_SECONDS_MAX / 60} minutes. Tenants that were suspended and keys that were replaced since then are still served.`,
    ),
  ]
}

function staleLimit(seconds: number | undefined): readonly Finding[] {
  if (seconds === undefined || seconds <= STALE_AFTER_SECONDS_MAX) return []
  return [
    finding(
      'fd-stale-limit-long',
      'medium',
      'configuration',
      `The plane serves from a configuration that is up to ${Math.round(seconds / 86_400)} days old: whoever holds news back for that long keeps what was withdrawn.`,
    ),
  ]
}

function upstreams({ platform }: Configuration): readonly Finding[] {
  return platform.services
    .filter(({ upstream }) => {
      const { protocol, hostname } = new URL(upstream)
      return protocol === 'http:' && !LOOPBACK.test(hostname)
    })
    .map(({ name }) =>
      finding(
        'fd-upstream-plain',
        'medium',
        `service ${name}`,
        'The gateway sends contexts and answers over a network in the clear: whoever listens there has every tenant’s.',
        'give the service an https address',
      ),
    )
}

/** Two tenants with one issuer are parted by one claim of a token alone. */
function issuers(configuration: Configuration): readonly Finding[] {
  const owners = new Map<string, string>()
  const findings: Finding[] = []
  for (const { id, issuer } of configuration.tenants()) {
    const owner = owners.get(issuer)
    if (owner === undefined) owners.set(issuer, id)
    else {
      findings.push(
        finding(
          'fd-issuer-shared',
          'high',
          `tenant ${id}`,
          'Another tenant has the same issuer: nothing but one claim of its tokens parts them.',
          'give each tenant an issuer of its own',
        ),
      )
    }
  }
  return findings
}

function finding(
  rule: string,
  severity: Severity,
  object: string,
  explanation: string,
  fix?: string,
): Finding {
  return { rule, severity, object, explanation, fix }
}
