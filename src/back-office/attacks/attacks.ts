import { APPROVALS } from './approvals.ts'
import type { OfficeAttack } from './attack.ts'
import { CURSORS } from './cursors.ts'
import { EXISTENCE } from './existence.ts'
import { FOUR_EYES } from './four-eyes.ts'
import { GRANTS } from './grants.ts'
import { IDEMPOTENCY } from './idempotency.ts'
import { LIFECYCLE } from './lifecycle.ts'
import { OBJECT_CREDENTIALS } from './object-credentials.ts'
import { OBJECTS } from './objects.ts'
import { PEOPLE } from './people.ts'
import { REALMS } from './realms.ts'
import { RECORDS } from './records.ts'
import { SCOPES } from './scopes.ts'
import { SUPPORT } from './support.ts'
import { TAGS } from './tags.ts'
import { TOKENS } from './tokens.ts'
import { WEBHOOKS } from './webhooks.ts'
import { WORKLOADS } from './workloads.ts'

/** How somebody who may do something for one tenant would reach another through the control API. */
export const BACK_OFFICE_ATTACKS: readonly OfficeAttack[] = [
  ...SCOPES,
  ...TOKENS,
  ...PEOPLE,
  ...FOUR_EYES,
  ...SUPPORT,
  ...REALMS,
  ...OBJECTS,
  ...OBJECT_CREDENTIALS,
  ...GRANTS,
  ...WORKLOADS,
  ...IDEMPOTENCY,
  ...CURSORS,
  ...TAGS,
  ...EXISTENCE,
  ...APPROVALS,
  ...WEBHOOKS,
  ...RECORDS,
  ...LIFECYCLE,
]
