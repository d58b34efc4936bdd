import { forgetting } from './forgetting.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'

/** Each kind of thing, found without asking for its realm. */
export const FORGOTTEN_REALMS: readonly RealmMutant[] = [
  mutant(
    'id-artifacts-of-any-realm',
    'What was issued is found by its id, whatever the realm',
    [
      'id-code-other-realm',
      'id-refresh-other-realm',
      'id-device-other-realm',
      'id-introspect-other-realm',
      'id-revoke-other-realm',
      'id-register-other-realm',
    ],
    forgetting('artifact', 'session'),
  ),
  mutant(
    'id-sessions-of-any-realm',
    'A session is ended by its name, whatever the realm',
    ['id-logout-of-others'],
    forgetting('session', 'session_client'),
  ),
  mutant(
    'id-clients-of-any-realm',
    'A client is looked up by its id, whatever the realm',
    ['id-client-other-realm'],
    forgetting('client'),
  ),
]
