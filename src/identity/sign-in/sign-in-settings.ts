import { z } from 'zod'
import { mailSchema, openMailer } from '../mail/open-mailer.ts'
import type { Mailer } from '../mail/mail.ts'
import { type BreachCheck, RangeBreachCheck } from './passwords/breach-check.ts'

/** Signing in, as a part of the identity plane's configuration. */
export const signInSchema = z.strictObject({
  mail: mailSchema,
  /**
   * A service that is asked about leaked passwords, of the form of Have I Been Pwned, up to the
   * prefix: `https://api.pwnedpasswords.com/range/`. Default none: nothing leaves the house.
   */
  leakedPasswordsUrl: z
    .url({ protocol: /^https$/ })
    .regex(/\/$/, 'it ends with a slash, which the prefix follows')
    .optional(),
})

export type SignInSettings = z.output<typeof signInSchema>

/** What `openSignIn` takes of it. @throws RingfenceError `invalid_argument` */
export function signInAdapters(
  settings: SignInSettings,
  log: (line: string) => void,
): { readonly mailer: Mailer; readonly breaches: readonly BreachCheck[] } {
  const { mail, leakedPasswordsUrl: url } = settings
  return {
    mailer: openMailer(mail),
    breaches: url === undefined ? [] : [new RangeBreachCheck({ url, log })],
  }
}
