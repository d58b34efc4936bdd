import { domainOf } from './mail-address.ts'
import { checkMail, type Mail } from './mail.ts'

/** As nodemailer takes it. Addresses are objects, so that none is read out of a text. */
export interface Composed {
  readonly from: { readonly name: string; readonly address: string }
  readonly to: { readonly name: ''; readonly address: string }
  readonly subject: string
  readonly text: string
  readonly html?: string
  readonly messageId: string
  readonly headers: Readonly<Record<string, string>>
  /** Neither may a text make the library read a file or fetch a URL. */
  readonly disableFileAccess: true
  readonly disableUrlAccess: true
}

/** @throws RingfenceError `invalid_argument` */
export function composed(mail: Mail, from: string): Composed {
  const { id, to, fromName, subject, text, html } = checkMail(mail)
  return {
    from: { name: spelledOut(fromName), address: from },
    to: { name: '', address: to },
    subject: spelledOut(subject),
    text,
    ...(html === '' ? {} : { html }),
    messageId: `<${id}@${domainOf(from)}>`,
    // RFC 3834: no out-of-office answers to this.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/**
 * Programs read words in another encoding wherever they stand (RFC 2047), in quotes too, where they
 * should not: what is a name here would be lines and addresses there.
 */
function spelledOut(line: string): string {
  return line.replaceAll('=?', '= ?')
}
