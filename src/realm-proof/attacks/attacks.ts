import { ACTORS } from './actors.ts'
import { APPLICATIONS } from './applications.ts'
import { ASSERTIONS } from './assertions.ts'
import type { RealmAttack } from './attack.ts'
import { BROWSERS } from './browsers.ts'
import { CLIENTS } from './clients.ts'
import { CODES } from './codes.ts'
import { CONSENTS } from './consents.ts'
import { DELEGATIONS } from './delegations.ts'
import { EXISTENCE } from './existence.ts'
import { FEDERATION } from './federation.ts'
import { GRANTS } from './grants.ts'
import { LISTINGS } from './listings.ts'
import { LOGOUTS } from './logouts.ts'
import { LOOKS } from './looks.ts'
import { MAIL_HEADERS } from './mail-headers.ts'
import { MAILS } from './mails.ts'
import { PATHS } from './paths.ts'
import { PROVISIONING } from './provisioning.ts'
import { REDIRECTS } from './redirects.ts'
import { REGISTRATION } from './registration.ts'
import { REQUESTS } from './requests.ts'
import { SAML_ATTACKS } from './saml.ts'
import { TOKENS } from './tokens.ts'

/** How somebody who owns one realm, or nothing at all, would get into another. */
export const REALM_ATTACKS: readonly RealmAttack[] = [
  ...TOKENS,
  ...ACTORS,
  ...DELEGATIONS,
  ...ASSERTIONS,
  ...PATHS,
  ...CODES,
  ...APPLICATIONS,
  ...REDIRECTS,
  ...GRANTS,
  ...CLIENTS,
  ...BROWSERS,
  ...CONSENTS,
  ...LOGOUTS,
  ...MAILS,
  ...MAIL_HEADERS,
  ...EXISTENCE,
  ...REGISTRATION,
  ...PROVISIONING,
  ...LISTINGS,
  ...REQUESTS,
  ...LOOKS,
  ...FEDERATION,
  ...SAML_ATTACKS,
]
