import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import { acmeAuthority } from './acme/acme-authority.ts'
import { ChallengeDirectory } from './acme/challenge-directory.ts'
import { Renewals } from './acme/renewals.ts'
import { CertificateDirectory } from './certificate-directory.ts'
import type { CertificateStore } from './certificate-store.ts'
import type { TlsSettings } from './edge-settings.ts'
import { openPlainFront } from './plain-front.ts'

/** What belongs to TLS beside the listener itself. */
export interface OpenTls {
  readonly certificates: CertificateStore
  close(): Promise<void>
}

/**
 * Opens what TLS needs: certificates, plain HTTP beside it, and whoever gets new ones.
 * @throws RingfenceError `not_writable`, `port_taken`, `invalid_manifest` for a file that is not there
 */
export async function openTls(
  { certificates, plain, acme }: TlsSettings,
  source: ConfigurationSource,
  log: (event: { readonly event: string; readonly message: string }) => void,
): Promise<OpenTls> {
  const onTrouble = ({ message }: RingfenceError) => log({ event: 'certificates', message })
  await mkdir(certificates, { recursive: true, mode: 0o700 })
  const store = new CertificateDirectory(certificates, { onTrouble })
  const challenges = new ChallengeDirectory(join(certificates, '.challenges'))
  const front =
    plain &&
    (await openPlainFront({
      listen: plain,
      ...(acme === undefined ? {} : { challenge: (host, token) => challenges.answer(host, token) }),
    }))
  let renewals: Renewals | undefined
  try {
    if (acme !== undefined) {
      const { binding, caFile, ...settings } = acme
      renewals = new Renewals({
        store,
        challenges,
        lock: join(certificates, '.renewal-lock'),
        hosts: () => hostsOf(source),
        onTrouble,
        onIssued: (host) => log({ event: 'certificates', message: `a certificate for ${host}` }),
        authority: await acmeAuthority({
          ...settings,
          ...(caFile === undefined ? {} : { ca: await textOf(caFile) }),
          ...(binding === undefined
            ? {}
            : { binding: { kid: binding.kid, hmacKey: await textOf(binding.hmacKeyFile) } }),
        }),
      })
      renewals.start()
    }
  } catch (error) {
    await front?.close()
    throw error
  }
  return {
    certificates: store,
    async close() {
      await renewals?.close()
      await front?.close()
    },
  }
}

/** Hosts of tenants that are served. None while there is no configuration that may be believed. */
function* hostsOf(source: ConfigurationSource): Iterable<string> {
  let current: ReturnType<ConfigurationSource['current']>
  try {
    current = source.current()
  } catch {
    return
  }
  for (const { status, hosts } of current.tenants()) if (status !== 'suspended') yield* hosts
}

async function textOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
}
