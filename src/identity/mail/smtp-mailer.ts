import nodemailer from 'nodemailer'
import { composed } from './compose.ts'
import type { Mail, Mailer } from './mail.ts'

const CONNECT_MS = 10_000
const SILENCE_MS = 30_000
const CONNECTIONS = 2

export interface SmtpOptions {
  readonly host: string
  readonly port: number
  /**
   * `tls`: from the first byte (port 465). `starttls`: demanded before anything is said (port 587).
   * `none`: mail and password are readable on the way; only for a relay on this machine.
   */
  readonly security: 'tls' | 'starttls' | 'none'
  /** Certificates in PEM to trust in place of the system's. */
  readonly ca?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** The address that mail comes from. */
  readonly from: string
}

/** Hands mail over to an SMTP server, whose certificate must be good for its name. */
export class SmtpMailer implements Mailer {
  readonly #options: SmtpOptions
  readonly #transport: ReturnType<typeof nodemailer.createTransport>

  constructor(options: SmtpOptions) {
    this.#options = options
    const { host, port, security, user, password, ca } = options
    this.#transport = nodemailer.createTransport({
      pool: true,
      maxConnections: CONNECTIONS,
      host,
      port,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  async send(mail: Mail): Promise<void> {
    await this.#transport.sendMail(composed(mail, this.#options.from))
  }

  async close(): Promise<void> {
    this.#transport.close()
  }
}
