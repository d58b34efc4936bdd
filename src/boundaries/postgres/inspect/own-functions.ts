import { custodySql } from '../install/custody.ts'
import { guardSql } from '../install/guard.ts'
import { identitySql, tenantBodyPrinted } from '../install/identity.ts'
import { LOGIN_HOOK_SERVER_VERSION_MIN, loginHookSql } from '../install/login-hook.ts'
import type { Names } from '../names.ts'

/** A function of Ringfence's own, as its installation makes it. */
export interface OwnFunction {
  /** `rf.tenant`. No two of them share a name. */
  readonly name: string
  /** Body as the catalog keeps it. */
  readonly body: string
  readonly language: string
  readonly securityDefiner: boolean
  /** As pg_proc.provolatile. */
  readonly volatility: 'i' | 's' | 'v'
  readonly pinned: boolean
  /** The role that owns it; undefined: whoever installed it, a superuser. */
  readonly owner: string | undefined
  /** The statements that make it so again. */
  readonly repair: string
}

const FUNCTION =
  /create function (\w+\.\w+)\s*(\([\s\S]*?\))\s*returns\s([\s\S]*?)(?:as \$\$([\s\S]*?)\$\$|(return [^;]+));/g
const OWNER = /alter function (\w+\.\w+)(\([^)]*\)) owner to "?(\w+)"?;/g
const VOLATILITY = { immutable: 'i', stable: 's', volatile: 'v' } as const

/** Functions of schema rf in a database with tenant rows. */
export function ownFunctionsOfDatabase(
  names: Names,
  serverVersion: number,
): readonly OwnFunction[] {
  const hook = serverVersion >= LOGIN_HOOK_SERVER_VERSION_MIN ? loginHookSql(names) : ''
  return readFunctions(identitySql(names) + guardSql(names) + hook, names)
}

/** Functions of schema custody. */
export function ownFunctionsOfCustody(names: Names): readonly OwnFunction[] {
  return readFunctions(custodySql(names), names)
}

/** Takes the definitions out of the very SQL that installs them, so that the two cannot differ. */
function readFunctions(sql: string, names: Names): readonly OwnFunction[] {
  const owners = new Map(
    [...sql.matchAll(OWNER)].map(([statement, name, , owner]) => [name, { statement, owner }]),
  )
  return [...sql.matchAll(FUNCTION)].map(
    ([statement, name = '', , options = '', dollarBody, returnBody]) => {
      const volatility = /\b(immutable|stable|volatile)\b/.exec(options)?.[1] ?? 'volatile'
      const owned = owners.get(name)
      return {
        name,
        body: returnBody === undefined ? (dollarBody ?? '') : tenantBodyPrinted(names),
        language: /language (\w+)/.exec(options)?.[1] ?? '',
        securityDefiner: /security definer/.test(options),
        volatility: VOLATILITY[volatility as keyof typeof VOLATILITY],
        pinned: /set search_path = pg_catalog, pg_temp/.test(options),
        owner: owned?.owner,
        repair: `${statement.replace(/^create /, 'create or replace ')}${owned === undefined ? '' : `\n${owned.statement}`}`,
      }
    },
  )
}
