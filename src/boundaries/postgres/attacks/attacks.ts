import { CATALOG } from './catalog.ts'
import { CONNECTIONS } from './connections.ts'
import { COUNTERS } from './counters.ts'
import { DDL } from './ddl.ts'
import { DISCOVERY } from './discovery.ts'
import { EXPLAIN } from './explain.ts'
import { IDENTITY } from './identity.ts'
import { KEYS } from './keys.ts'
import { LATER } from './later.ts'
import { LEAKS } from './leaks.ts'
import { LOAD } from './load.ts'
import { LOCKS } from './locks.ts'
import { OBJECT_NAMES } from './object-names.ts'
import type { PostgresAttack } from './postgres-attack.ts'
import { READS } from './reads.ts'
import { RELATIONS } from './relations.ts'
import { ROLES } from './roles.ts'
import { RETURNING } from './returning.ts'
import { SIDE_DOORS } from './side-doors.ts'
import { STRUCTURE } from './structure.ts'
import { VICTIM_ROLES } from './victim-roles.ts'
import { WRITES } from './writes.ts'

/** Every attack of this boundary. */
export const ATTACKS: readonly PostgresAttack[] = [
  ...READS,
  ...RELATIONS,
  ...DISCOVERY,
  ...LEAKS,
  ...KEYS,
  ...EXPLAIN,
  ...RETURNING,
  ...WRITES,
  ...IDENTITY,
  ...ROLES,
  ...VICTIM_ROLES,
  ...DDL,
  ...STRUCTURE,
  ...LOCKS,
  ...LOAD,
  ...CATALOG,
  ...OBJECT_NAMES,
  ...COUNTERS,
  ...SIDE_DOORS,
  ...LATER,
  ...CONNECTIONS,
]
