import type { LogName } from '../../audit/entry.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { KeyEncryptionKeys } from './key-encryption.ts'
import type { LogDatabase } from './log-database.ts'

/** What all parts of a log store share. */
export interface LogParts {
  readonly database: LogDatabase
  readonly keys: KeyEncryptionKeys
  /** Before a log's name in its origin: `audit.example` makes `audit.example/tenant/acme`. */
  readonly originPrefix: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const originOf = ({ originPrefix }: LogParts, log: LogName) => `${originPrefix}/${log}`

const TENANT = 'tenant/'

/** Whose log it is. Undefined for the platform's own. */
export function tenantOf(log: LogName): TenantId | undefined {
  return log.startsWith(TENANT) ? parseTenantId(log.slice(TENANT.length)) : undefined
}
