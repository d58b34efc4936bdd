import type { Finding } from '../../../core/finding.ts'
import { versionText } from '../server-version.ts'
import {
  ADVISORIES,
  ADVISORIES_AS_OF,
  type Advisory,
  SUPPORTED_MAJORS,
} from './server-advisories.ts'

/**
 * What the server's version means for the boundary, given what else was found on it: a known hole
 * that the state of schemas and grants closes is a remark, and opens with them.
 */
export function judgeServer(
  serverVersion: number,
  others: readonly Finding[],
  now: Date = new Date(),
): readonly Finding[] {
  const major = Math.floor(serverVersion / 10_000)
  const minor = serverVersion % 10_000
  const server = versionText(serverVersion)
  const mendedUntil = SUPPORTED_MAJORS[major]
  if (mendedUntil === undefined) {
    return [
      {
        rule: 'pg-server-unsupported',
        severity: 'high',
        object: server,
        explanation: `Ringfence is made and tested for PostgreSQL ${Object.keys(SUPPORTED_MAJORS).join(', ')}: what this version opens is not known.`,
        fix: undefined,
      },
    ]
  }
  const open = new Set(others.filter((one) => one.severity !== 'info').map((one) => one.rule))
  const findings = ADVISORIES.filter(({ fixedIn }) => minor < (fixedIn[major] ?? 0)).map(
    (advisory) => judge(advisory, `${major}.${advisory.fixedIn[major]}`, server, open),
  )
  if (now > new Date(mendedUntil)) {
    findings.push({
      rule: 'pg-server-end-of-life',
      severity: 'info',
      object: server,
      explanation: `PostgreSQL ${major} has not been mended since ${mendedUntil}: move to a later major version.`,
      fix: undefined,
    })
  }
  return findings
}

function judge(
  { id, summary, closed }: Advisory,
  fixed: string,
  server: string,
  open: ReadonlySet<string>,
): Finding {
  const upgrade = `Upgrade ${server} to ${fixed} or later (list of ${ADVISORIES_AS_OF}).`
  const openedBy = closed?.by.filter((rule) => open.has(rule)) ?? []
  const state =
    closed === undefined
      ? 'No setting or schema closes it: it is a limit of this server.'
      : openedBy.length > 0
        ? `It is open here, because of ${openedBy.join(' and ')}.`
        : `It is closed here: ${closed.how}.`
  return {
    rule: 'pg-server-advisory',
    severity: openedBy.length > 0 ? 'high' : 'info',
    object: id,
    explanation: `${summary} ${state} ${upgrade}`,
    fix: undefined,
  }
}
