import { BELIEVED_ACTORS } from './believed-actors.ts'
import { BELIEVED_ASSERTIONS } from './believed-assertions.ts'
import { BELIEVED_DELEGATIONS } from './believed-delegations.ts'
import { BELIEVED_RESPONSES } from './believed-responses.ts'
import { BELIEVED_TOKENS } from './believed-tokens.ts'
import { CARELESS_CLIENTS } from './careless-clients.ts'
import { CARELESS_GRANTS } from './careless-grants.ts'
import { CARELESS_MAILS } from './careless-mails.ts'
import { CARELESS_PAGES } from './careless-pages.ts'
import { CARELESS_REQUESTS } from './careless-requests.ts'
import { CHANGED_REALMS } from './changed-realms.ts'
import { FORGOTTEN_REALMS } from './forgotten-realms.ts'
import { MISREAD_PATHS } from './misread-paths.ts'
import type { RealmMutant } from './realm-mutant.ts'
import { SHARED_LISTINGS } from './shared-listings.ts'
import { TOLD_EXISTENCE } from './told-existence.ts'

/** Every mutant of realms: each is one careless change. */
export const REALM_MUTANTS: readonly RealmMutant[] = [
  ...FORGOTTEN_REALMS,
  ...BELIEVED_TOKENS,
  ...BELIEVED_ACTORS,
  ...BELIEVED_DELEGATIONS,
  ...BELIEVED_ASSERTIONS,
  ...MISREAD_PATHS,
  ...CARELESS_CLIENTS,
  ...CARELESS_GRANTS,
  ...CARELESS_PAGES,
  ...CARELESS_MAILS,
  ...SHARED_LISTINGS,
  ...TOLD_EXISTENCE,
  ...CARELESS_REQUESTS,
  ...BELIEVED_RESPONSES,
  ...CHANGED_REALMS,
]
