import { type DataSpec, planData } from './data-spec.ts'
import { peopleStatements } from './people.ts'
import type { DataStatement } from './statement.ts'
import { visitStatements } from './visits.ts'

/**
 * All of a tenant's data, as one INSERT a table in order of dependence. The server makes the rows:
 * the same specification gives the same rows on every server and machine, ids included, whatever
 * the tenant's key is.
 * @throws z.ZodError for a specification out of range.
 */
export function generateTenantData(spec: DataSpec & { key: string }): readonly DataStatement[] {
  const { key, ...rest } = spec
  const plan = planData(rest)
  return [...peopleStatements(key, plan), ...visitStatements(key, plan)]
}
