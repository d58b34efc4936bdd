import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import nodemailer from 'nodemailer'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { composed } from './compose.ts'
import type { Mail, Mailer } from './mail.ts'

/** Puts each mail into a directory as `<id>.eml`, readable by us alone: it holds links that open accounts. */
export class FileMailer implements Mailer {
  readonly #directory: string
  readonly #from: string
  readonly #transport = nodemailer.createTransport({ streamTransport: true, buffer: true })

  constructor(directory: string, from: string) {
    this.#directory = directory
    this.#from = from
  }

  /** @throws RingfenceError `not_writable` */
  async send(mail: Mail): Promise<void> {
    const { message } = await this.#transport.sendMail(composed(mail, this.#from))
    const path = join(this.#directory, `${mail.id}.eml`)
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const file = await open(`${path}.part`, 'w', 0o600)
      try {
        await file.writeFile(message)
        await file.sync()
      } finally {
        await file.close()
      }
      // Whoever watches the directory sees whole mails only.
      await rename(`${path}.part`, path)
    } catch (error) {
      throw new RingfenceError('not_writable', 'the directory for mail cannot be written', {
        detail: messageOf(error),
        cause: error,
      })
    }
  }

  async close(): Promise<void> {
    this.#transport.close()
  }
}
