import type { Directory } from '../directory/directory.ts'
import type { EndAccess } from '../directory/end-access.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { MailOutbox } from '../mail/mail-outbox.ts'
import type { SealingKey } from '../sealing-key.ts'
import type { SignInLimits } from './limits/sign-in-limits.ts'
import type { PasskeyCeremonies } from './passkeys/passkey-ceremonies.ts'
import type { NewPasswords } from './passwords/new-passwords.ts'
import type { Passwords } from './passwords/passwords.ts'
import type { RecoveryCodes } from './second-factors/recovery-codes.ts'
import type { Totp } from './second-factors/totp.ts'

/** What signing in, account pages and mail links share. */
export interface SignInParts {
  readonly database: IdentityDatabase
  readonly directory: Directory
  readonly sealing: SealingKey
  readonly endAccess: EndAccess
  readonly passwords: Passwords
  readonly newPasswords: NewPasswords
  readonly limits: SignInLimits
  readonly totp: Totp
  readonly recoveryCodes: RecoveryCodes
  readonly passkeys: PasskeyCeremonies
  readonly outbox: MailOutbox
}
