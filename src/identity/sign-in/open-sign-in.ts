import type { Directory } from '../directory/directory.ts'
import type { EndAccess } from '../directory/end-access.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { Mailer } from '../mail/mail.ts'
import { MailOutbox } from '../mail/mail-outbox.ts'
import { NudgedRounds } from '../nudged-rounds.ts'
import type { SealingKey } from '../sealing-key.ts'
import type { EmailChange } from './email-change.ts'
import { Holders } from './holders.ts'
import { SignInLimits } from './limits/sign-in-limits.ts'
import { RecoveryRequests } from './links/recovery-requests.ts'
import { PasskeyCeremonies } from './passkeys/passkey-ceremonies.ts'
import type { BreachCheck } from './passwords/breach-check.ts'
import { HashQueue } from './passwords/hash-queue.ts'
import { NewPasswords } from './passwords/new-passwords.ts'
import { PasswordAdministration } from './passwords/password-administration.ts'
import { PasswordCheck } from './passwords/password-check.ts'
import type { HashCost } from './passwords/password-hash.ts'
import { Passwords } from './passwords/passwords.ts'
import { PostgresAccountSecurity } from './postgres-account-security.ts'
import { PostgresEmailChange } from './postgres-email-change.ts'
import { PostgresMailLinks } from './postgres-mail-links.ts'
import { PostgresSignIn } from './postgres-sign-in.ts'
import { RecoveryCodes } from './second-factors/recovery-codes.ts'
import { Totp } from './second-factors/totp.ts'
import type { AccountSecurity, MailLinks, SignIn } from './sign-in.ts'
import type { SignInParts } from './sign-in-parts.ts'
import { sweepSignIn } from './sweep.ts'

export interface SignInOptions {
  readonly database: IdentityDatabase
  readonly directory: Directory
  readonly sealing: SealingKey
  /** Called when a password is recovered. */
  readonly endAccess: EndAccess
  readonly mailer: Mailer
  /** Lists of leaked passwords to ask besides the one that comes with the program. Default none. */
  readonly breaches?: readonly BreachCheck[]
  /** Default what OWASP asks for. */
  readonly hashCost?: HashCost
  /** Default two hashes at once. */
  readonly queue?: HashQueue
  /** Milliseconds since 1970, for one-time codes and the age of sessions. Default the machine's clock. */
  readonly now?: () => number
  /** Takes one line. No secret and no address is in it. */
  readonly log: (line: string) => void
}

export interface SignInServices {
  readonly signIn: SignIn
  readonly security: AccountSecurity
  readonly links: MailLinks
  readonly emailChange: EmailChange
  /** For administrators: first passwords, and taking factors away from who has lost them. */
  readonly passwords: PasswordAdministration
  /** Forgets what is past. Call it about every minute. */
  maintain(): Promise<void>
  /** Stops sending mail, when what is being sent is sent. Closes the mailer. */
  close(): Promise<void>
}

/** Everything about signing in, over one database. Mail is sent from here. */
export async function openSignIn(options: SignInOptions): Promise<SignInServices> {
  const { database, directory, sealing, endAccess, mailer, log, now = Date.now } = options
  const passwords = await Passwords.open({
    queue: options.queue ?? new HashQueue(),
    ...(options.hashCost === undefined ? {} : { cost: options.hashCost }),
  })
  const check = new PasswordCheck(options.breaches)
  const outbox = new MailOutbox({ database, sealing, mailer, log })
  const parts: SignInParts = {
    database,
    directory,
    sealing,
    endAccess,
    passwords,
    newPasswords: new NewPasswords({ database, directory, passwords, check }),
    limits: new SignInLimits(database, sealing),
    totp: new Totp(sealing, () => now() / 1000),
    recoveryCodes: new RecoveryCodes(),
    passkeys: new PasskeyCeremonies(database),
    outbox,
  }
  const holders = new Holders(now)
  const recovery = new RecoveryRequests({ ...parts, log })
  const rounds = new NudgedRounds(
    'mail',
    async () => {
      const asked = await recovery.work()
      const sent = await outbox.deliver()
      return asked || sent
    },
    log,
  )
  const nudge = () => rounds.nudge()
  return {
    signIn: new PostgresSignIn(parts),
    security: new PostgresAccountSecurity(parts, holders),
    links: new PostgresMailLinks(parts, { recovery, holders, nudge }),
    emailChange: new PostgresEmailChange(parts, { holders, nudge }),
    passwords: new PasswordAdministration(parts),
    maintain: () => sweepSignIn(database),
    async close() {
      await rounds.close()
      await mailer.close()
    },
  }
}
