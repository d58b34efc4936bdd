import type { SecureContext } from 'node:tls'
import type { Certificate, CertificateStore } from './certificate-store.ts'
import { contextOf } from './tls-settings.ts'

/** Certificates that a process holds itself, by host. */
export class CertificateMemory implements CertificateStore {
  readonly #contexts: ReadonlyMap<string, SecureContext>
  readonly #fallback: Certificate | undefined

  /** @throws Error when a key and its chain do not belong together */
  constructor(certificates: Readonly<Record<string, Certificate>>, fallback?: Certificate) {
    this.#contexts = new Map(
      Object.entries(certificates).map(([host, one]) => [host, contextOf(one)]),
    )
    this.#fallback = fallback
  }

  async contextFor(host: string): Promise<SecureContext | undefined> {
    return this.#contexts.get(host.toLowerCase())
  }

  async fallback(): Promise<Certificate | undefined> {
    return this.#fallback
  }
}
