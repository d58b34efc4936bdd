import { createHash } from 'node:crypto'
import type { Finding } from '../../../core/finding.ts'
import { withClient } from '../connection.ts'
import type { Site } from '../site.ts'
import { inOrder, inspectSite } from './inspect.ts'

/** Findings of a cell and its silos. A silo's objects are preceded by its server's name. Reads only. */
export async function inspectSites(sites: readonly Site[]): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const [index, site] of sites.entries()) {
    const prefix = index === 0 ? '' : `${site.cluster.name}: `
    const there = await inspectSite(site)
    findings.push(...there.map((one) => ({ ...one, object: `${prefix}${one.object}` })))
  }
  return inOrder([...findings, ...(await inspectAcross(sites))])
}

/** Findings that only show when several servers are held side by side. Reads only. */
export async function inspectAcross(sites: readonly Site[]): Promise<readonly Finding[]> {
  if (sites.length < 2) return []
  const verifiers = await Promise.all(sites.map(verifiersOf))
  const holders = Map.groupBy(verifiers.flat(), ({ digest }) => digest)
  return [...holders.values()]
    .filter((there) => there.length > 1)
    .map((there) => ({
      rule: 'pg-shared-credential',
      severity: 'high',
      object: [...new Set(there.map(({ role }) => role))].sort().join(', '),
      explanation: `${there.length} servers have one password verifier for it: whoever breaks into one of them is in the others too.`,
      fix: undefined,
    }))
}

/** Digests of the verifiers by which Ringfence itself logs in. Salts are random: equal means copied. */
async function verifiersOf(site: Site): Promise<readonly { role: string; digest: string }[]> {
  return withClient(site.cluster.admin, async (client) => {
    const { rows } = await client.query<{ role: string; verifier: string }>(
      `select rolname as role, rolpassword as verifier from pg_catalog.pg_authid
       where rolname in ($1, current_user) and rolpassword is not null`,
      [site.names.custodian],
    )
    return rows.map(({ role, verifier }) => ({
      role,
      digest: createHash('sha256').update(verifier).digest('hex'),
    }))
  })
}
