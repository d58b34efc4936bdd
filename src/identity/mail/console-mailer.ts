import { checkMail, type Mail, type Mailer } from './mail.ts'

/** Prints mail, links and all. For a developer's own machine. */
export class ConsoleMailer implements Mailer {
  readonly #write: (text: string) => void

  constructor(write: (text: string) => void = (text) => process.stdout.write(text)) {
    this.#write = write
  }

  async send(mail: Mail): Promise<void> {
    const { to, subject, text } = checkMail(mail)
    this.#write(`\n--- mail to ${to}\n${subject}\n\n${text}\n---\n`)
  }

  async close(): Promise<void> {}
}
