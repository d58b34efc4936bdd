import type { Directory } from '../directory/directory.ts'
import type { ApiKeys } from '../provider/api-keys.ts'
import type { RealmContext } from '../provider/realm-context.ts'
import type { EmailChange } from '../sign-in/email-change.ts'
import type { AccountSecurity, MailLinks, SignIn } from '../sign-in/sign-in.ts'
import type { ConnectedApps, Sessions, SupportAccess } from './account/sources.ts'

/** A way to sign in elsewhere: a connection of the tenant's own identity provider. */
export interface SignInChoice {
  /** What its users call it: "Acme staff". */
  readonly label: string
  /** Where it begins, on the realm's own origin. */
  readonly href: string
}

/** The realm's connections as the sign-in pages need them. */
export interface SignInChoices {
  /** To be shown as buttons, for whoever comes. */
  all(context: RealmContext, interaction: string): Promise<readonly SignInChoice[]>
  /** By the domain of the address that was typed, whether there is such a user or not. */
  forName(
    context: RealmContext,
    interaction: string,
    name: string,
  ): Promise<SignInChoice | undefined>
}

/** What pages call. A source that is left out leaves out its pages. */
export interface PagesOptions {
  readonly signIn: SignIn
  readonly security: AccountSecurity
  readonly links: MailLinks
  readonly emailChange?: EmailChange
  readonly directory: Directory
  readonly choices?: SignInChoices
  readonly sessions?: Sessions
  readonly apps?: ConnectedApps
  readonly apiKeys?: Pick<ApiKeys, 'list' | 'create' | 'remove'>
  readonly support?: SupportAccess
  /** Milliseconds since 1970, for the age of sessions. Default the machine's clock. */
  readonly now?: () => number
  readonly log: (line: string) => void
}
