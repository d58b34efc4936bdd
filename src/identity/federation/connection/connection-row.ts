import { z } from 'zod'
import { parseTenantId } from '../../../core/tenant.ts'
import type { Connection } from './connection.ts'
import { oidcConfigSchema, samlConfigSchema } from './connection-config.ts'
import { parseConnectionId } from './connection-id.ts'

export const CONNECTION_COLUMNS =
  'tenant, id, kind, display_name, enabled, config, secrets, certificates, version'

export interface ConnectionRow {
  readonly tenant: string
  readonly id: string
  readonly kind: string
  readonly display_name: string
  readonly enabled: boolean
  readonly config: unknown
  readonly secrets: Buffer
  readonly certificates: unknown
  readonly version: string
}

const certificatesSchema = z.strictObject({ signing: z.string(), encryption: z.string() })

/** Reads a row. What was written by an older version is held to today's rules. */
export function connectionOf(row: ConnectionRow): Connection {
  const common = {
    tenant: parseTenantId(row.tenant),
    id: parseConnectionId(row.id),
    displayName: row.display_name,
    enabled: row.enabled,
    version: Number(row.version),
  }
  return row.kind === 'oidc'
    ? { ...common, kind: 'oidc', config: oidcConfigSchema.parse(row.config) }
    : {
        ...common,
        kind: 'saml',
        config: samlConfigSchema.parse(row.config),
        certificates: certificatesSchema.parse(row.certificates),
      }
}
