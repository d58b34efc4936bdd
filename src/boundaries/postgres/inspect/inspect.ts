import type { Finding } from '../../../core/finding.ts'
import { withClient } from '../connection.ts'
import type { Site } from '../site.ts'
import { STRUCTURE_RULES, violationsSql } from './structure-rules.ts'

/** All findings of one server: of every application database on it. */
export async function inspectSite(site: Site): Promise<readonly Finding[]> {
  return inspectDatabase(site, site.names.pooledDatabase)
}

/** Findings of one database. Reads only. */
export async function inspectDatabase(site: Site, database: string): Promise<readonly Finding[]> {
  return withClient(site.admin(database), async (client) => {
    await client.query('begin read only')
    await client.query('set local search_path = pg_catalog')
    const { rows } = await client.query<{ rule: string; object: string; fix: string | null }>(
      violationsSql(site.names, STRUCTURE_RULES),
    )
    return rows.map(({ rule: id, object, fix }) => {
      const rule = STRUCTURE_RULES.find((one) => one.id === id)
      if (rule === undefined) throw new Error(`no rule ${id}`)
      const { severity, explanation } = rule
      return { rule: id, severity, object, explanation, fix: fix ?? undefined }
    })
  })
}
