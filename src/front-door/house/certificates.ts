import { CertificateMemory } from '../../edge/certificate-memory.ts'
import { selfSigned } from '../../edge/self-signed.ts'
import { type Ground, PLATFORM_HOST } from './ground.ts'

const made = new WeakMap<Ground, Promise<CertificateMemory>>()

/** A certificate for each tenant's host, and one for the platform's, made once for a rehearsal. */
export function certificatesOf(ground: Ground): Promise<CertificateMemory> {
  const before = made.get(ground)
  if (before !== undefined) return before
  const making = make(ground)
  made.set(ground, making)
  return making
}

async function make({ parties }: Ground): Promise<CertificateMemory> {
  const hosts = [PLATFORM_HOST, ...parties.map(({ host }) => host)]
  const certificates = await Promise.all(
    hosts.map(async (host) => [host, await selfSigned([host])] as const),
  )
  const byHost = Object.fromEntries(certificates)
  return new CertificateMemory(byHost, byHost[PLATFORM_HOST])
}
