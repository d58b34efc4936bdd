import type { SecureContext } from 'node:tls'

/** A private key and the chain that vouches for it, both as PEM. */
export interface Certificate {
  readonly key: string
  readonly chain: string
}

/** Where certificates are kept. */
export interface CertificateStore {
  /**
   * What a handshake is answered with. Undefined when there is nothing for this name: the handshake fails.
   * @param host as a caller wrote it: anything
   */
  contextFor(host: string): Promise<SecureContext | undefined>
  /** For callers who name nobody: the same object while it is the same. Undefined when there is none. */
  fallback(): Promise<Certificate | undefined>
}

/** A store that certificates can be put into. */
export interface WritableCertificateStore extends CertificateStore {
  /** When the host's certificate ends; undefined when it has none that is good. */
  endOf(host: string): Promise<{ readonly from: Date; readonly until: Date } | undefined>
  /** Both parts or neither, and in force at once. @throws RingfenceError `not_writable` */
  put(host: string, certificate: Certificate): Promise<void>
}
