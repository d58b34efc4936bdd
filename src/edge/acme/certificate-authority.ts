import type { Certificate } from '../certificate-store.ts'

/** Where the authority looks for what shows that a host is ours. */
export interface Challenges {
  /** On return it is answered by every process that serves plain HTTP. */
  put(challenge: {
    readonly host: string
    readonly token: string
    readonly answer: string
  }): Promise<void>
  remove(token: string): Promise<void>
}

/** Whoever issues certificates. */
export interface CertificateAuthority {
  /** @throws RingfenceError `upstream_failed` when it issues none */
  obtain(host: string, challenges: Challenges): Promise<Certificate>
}
