import type { AlertMail } from '../../alerts/mail-sink.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Mailer } from '../../identity/mail/mail.ts'

const FROM_NAME = 'Ringfence'
/** What a mailer takes. */
const SUBJECT_MAX = 250
const TEXT_MAX = 100_000
const CUT = '\n… and more than a mail holds\n'

/** Alerts by the mail that identity uses: one mail to each, so that nobody reads who else is told. */
export function alertMail(mailer: Mailer): AlertMail {
  return {
    async send({ id, to, subject, text }) {
      const mails = to.map((one, place) => ({
        // The same for the same mail sent again: whoever has it sees that it is no other.
        id: `${id}-${place}`,
        to: one,
        fromName: FROM_NAME,
        subject: lineOf(subject),
        text: text.length > TEXT_MAX ? text.slice(0, TEXT_MAX - CUT.length) + CUT : text,
        html: '',
      }))
      const failed: RingfenceError[] = []
      for (const mail of mails) {
        await mailer.send(mail).catch((error: unknown) => failed.push(failureOf(error)))
      }
      // What is refused for good is not asked for again for the sake of one of several.
      const again = failed.find(({ code }) => code !== 'invalid_argument')
      if (again !== undefined) throw again
      const [refused] = failed
      if (refused !== undefined && failed.length === mails.length) throw refused
    },
  }
}

/** One line of text, whatever stands in a summary. */
function lineOf(subject: string): string {
  const line = subject.replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ').slice(0, SUBJECT_MAX)
  // A pair that was cut in two is no character.
  return line.replace(/[\uD800-\uDBFF]$/, '')
}

/** A recipient that the server knows it will never take is refused; all else may be better later. */
function failureOf(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) return error
  const isRefused = isEnvelopeError(error) && (error.responseCode ?? 0) >= 500
  return isRefused
    ? new RingfenceError('invalid_argument', 'the mail server refuses this address')
    : new RingfenceError('engine_unavailable', 'the mail server does not take mail')
}

function isEnvelopeError(error: unknown): error is Error & { responseCode?: number } {
  return error instanceof Error && 'code' in error && error.code === 'EENVELOPE'
}
