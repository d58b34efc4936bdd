import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { parsed } from '../../core/parsed.ts'
import { foldEmail } from '../directory/fold-name.ts'
import { ConsoleMailer } from './console-mailer.ts'
import { FileMailer } from './file-mailer.ts'
import type { Mailer } from './mail.ts'
import { SmtpMailer } from './smtp-mailer.ts'

/** In the form in which addresses are compared. */
export const mailAddressSchema = parsed((value) => foldEmail(String(value)))

/** How mail leaves, as a part of a plane's configuration. */
export const mailSchema = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('file'),
    directory: z.string().min(1),
    from: mailAddressSchema.default('no-reply@localhost.localdomain'),
  }),
  z.strictObject({ by: z.literal('console') }),
  z
    .strictObject({
      by: z.literal('smtp'),
      host: z.string().min(1),
      port: z.int().min(1).max(65_535).default(587),
      security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
      caFile: z.string().min(1).optional(),
      user: z.string().min(1).optional(),
      passwordFile: z.string().min(1).optional(),
      from: mailAddressSchema,
    })
    .refine(
      ({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined),
      'a user has a password file',
    )
    .refine(
      ({ security, user }) => security !== 'none' || user === undefined,
      'without TLS no password is sent',
    ),
])

export type MailSettings = z.output<typeof mailSchema>

/** @throws RingfenceError `invalid_argument` when a file cannot be read */
export function openMailer(settings: MailSettings): Mailer {
  if (settings.by === 'console') return new ConsoleMailer()
  if (settings.by === 'file') return new FileMailer(settings.directory, settings.from)
  const { caFile, passwordFile, by: _, ...rest } = settings
  const password = passwordFile === undefined ? undefined : read(passwordFile).trim()
  return new SmtpMailer({
    ...rest,
    password,
    ca: caFile === undefined ? undefined : read(caFile),
  })
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_argument', `the mail settings: ${messageOf(error)}`)
  }
}
