import { RingfenceError } from '../../core/errors.ts'
import { foldEmail } from '../directory/fold-name.ts'

/** One mail to one person. */
export interface Mail {
  /** Unique; made into the Message-ID, so that a mail sent twice can be told from two mails. */
  readonly id: string
  readonly to: string
  /** Who it seems to be from, before the configured address: the realm's name. */
  readonly fromName: string
  readonly subject: string
  readonly text: string
  /** The same as HTML. Empty: it is text alone. */
  readonly html: string
}

/** Hands mail over to something that delivers it. */
export interface Mailer {
  /** Resolves when somebody else has taken it. Rejects with any error otherwise. */
  send(mail: Mail): Promise<void>
  close(): Promise<void>
}

const LINE_MAX = 250
const BODY_MAX = 100_000

/**
 * Refuses what could add a header or another recipient.
 * @throws RingfenceError `invalid_argument`
 */
export function checkMail(mail: Mail): Mail {
  foldEmail(mail.to)
  for (const line of [mail.fromName, mail.subject]) {
    if (line === '' || line.length > LINE_MAX || /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(line)) {
      throw new RingfenceError('invalid_argument', 'a header of a mail is one line of text')
    }
  }
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(mail.id)) {
    throw new RingfenceError('invalid_argument', 'the id of a mail has 1 to 40 letters and digits')
  }
  if (mail.text.length > BODY_MAX || mail.html.length > BODY_MAX) {
    throw new RingfenceError('invalid_argument', 'a mail is too long')
  }
  return mail
}
