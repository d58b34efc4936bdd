import { createHash } from 'node:crypto'
import type { Severity } from '../core/finding.ts'
import type { FindingReport, ProofReport, TierReport } from './proof-report.ts'
import { REPORT_FILES } from './report-files.ts'
import { jsonText } from './report-json.ts'

/**
 * SARIF 2.1.0 (OASIS), with what GitHub code scanning demands beyond it: a physical location and a
 * fingerprint for each result. Leaks, unnoticed mutants and findings are results, stated limits are
 * notes; what was denied is not in it, and what could not be shown is a notification of the run.
 */
export function renderSarif(report: ProofReport): string {
  const rules = [...attackRules(report), ...mutantRules(report), ...findingRules(report)]
  const results = [...strikeResults(report), ...mutantResults(report), ...findingResults(report)]
  return jsonText({
    $schema:
      'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Ringfence', version: report.tool.version, rules },
        },
        automationDetails: { id: 'ringfence/isolation-proof/' },
        invocations: [
          {
            executionSuccessful: report.verdict !== 'void',
            exitCode: report.exitCode,
            startTimeUtc: report.startedAt,
            endTimeUtc: report.finishedAt,
            toolExecutionNotifications: notifications(report),
          },
        ],
        results: results.map(({ ruleId, ...result }) => ({
          ruleId,
          ruleIndex: rules.findIndex(({ id }) => id === ruleId),
          ...result,
        })),
        properties: { verdict: report.verdict, counts: report.counts },
      },
    ],
  })
}

type Level = 'error' | 'warning' | 'note'

const LEVELS: Readonly<Record<Severity, Level>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
}

/** On GitHub's scale: above 9 critical, from 7 high, from 4 medium, below low. */
const SCORES: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '3.0',
  info: '1.0',
}

interface Rule {
  readonly id: string
  readonly shortDescription: { readonly text: string }
  readonly fullDescription: { readonly text: string }
  readonly help: { readonly text: string }
  readonly defaultConfiguration: { readonly level: Level }
  readonly properties: { readonly tags: readonly string[]; readonly 'security-severity': string }
}

function rule(
  id: string,
  title: string,
  full: string,
  help: string,
  severity: Severity,
  tags: readonly string[],
): Rule {
  return {
    id,
    shortDescription: { text: sarifText(title) },
    fullDescription: { text: sarifText(full) },
    help: { text: sarifText(help) },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: {
      tags: ['security', 'tenant-isolation', ...tags],
      'security-severity': SCORES[severity],
    },
  }
}

function attackRules(report: ProofReport): readonly Rule[] {
  return report.attacks.map(({ id, title, kind, references }) =>
    rule(
      `attack/${id}`,
      title,
      `One tenant tries to reach another's data (${kind}): ${title}.`,
      references.length > 0 ? `See ${references.join(', ')}.` : 'See the report of the proof.',
      'critical',
      [kind],
    ),
  )
}

function mutantRules(report: ProofReport): readonly Rule[] {
  const mutants = report.tiers.flatMap((tier) => tier.mutants)
  return distinct(mutants, ({ id }) => id).map(({ id, title }) =>
    rule(
      `mutant/${id}`,
      `Unnoticed: ${title}`,
      `A copy of the boundary was weakened and neither an attack nor an inspection noticed: ${title}.`,
      'A proof that does not notice this weakening cannot vouch for its absence.',
      'high',
      ['mutant'],
    ),
  )
}

function findingRules(report: ProofReport): readonly Rule[] {
  const findings = [...report.tiers, ...report.live].flatMap((part) => part.findings)
  return distinct(findings, ({ rule }) => rule).map((finding) =>
    rule(
      `finding/${finding.rule}`,
      finding.rule,
      finding.explanation,
      finding.fix === undefined ? 'A person has to decide how to mend this.' : finding.fix,
      finding.severity,
      ['finding'],
    ),
  )
}

interface Result {
  readonly ruleId: string
  readonly level: Level
  readonly message: { readonly text: string }
  readonly locations: readonly unknown[]
  readonly partialFingerprints: Readonly<Record<string, string>>
}

function result(ruleId: string, level: Level, message: string, where: readonly string[]): Result {
  const fullyQualifiedName = where.join('/')
  const digest = createHash('sha256')
    .update(JSON.stringify([ruleId, ...where]))
    .digest('hex')
  return {
    ruleId,
    level,
    message: { text: sarifText(message) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: REPORT_FILES.json },
          region: { startLine: 1 },
        },
        logicalLocations: [{ fullyQualifiedName, kind: 'resource' }],
      },
    ],
    partialFingerprints: { 'ringfence/v1': digest },
  }
}

function strikeResults(report: ProofReport): readonly Result[] {
  const leaks = report.tiers.flatMap(({ engine, tier, strikes }) =>
    strikes
      .filter(({ verdict }) => verdict === 'leaked')
      .map((s) =>
        result(
          `attack/${s.attack}`,
          'error',
          `${s.attacker} reached ${s.victim} on ${engine} ${tier}: ${s.outcome}`,
          [engine, tier, s.attack, s.attacker, s.victim],
        ),
      ),
  )
  const limits = report.limits.flatMap(({ engine, tier, sentence, attacks }) =>
    attacks.map((attack) =>
      result(`attack/${attack}`, 'note', `Stated limit of ${engine} ${tier}: ${sentence}`, [
        engine,
        tier,
        attack,
        'limit',
      ]),
    ),
  )
  return [...leaks, ...limits]
}

function mutantResults(report: ProofReport): readonly Result[] {
  return report.tiers.flatMap(({ engine, tier, mutants }) =>
    mutants
      .filter(({ status }) => status === 'unnoticed')
      .map(({ id, title }) =>
        result(`mutant/${id}`, 'error', `Nobody noticed on ${engine} ${tier}: ${title}`, [
          engine,
          tier,
          id,
        ]),
      ),
  )
}

function findingResults(report: ProofReport): readonly Result[] {
  const at = (engine: string, place: string, findings: readonly FindingReport[]) =>
    findings.map((f) =>
      result(
        `finding/${f.rule}`,
        LEVELS[f.severity],
        `${f.object} on ${engine} ${place}: ${f.explanation}`,
        [engine, place, f.object],
      ),
    )
  return [
    ...report.tiers.flatMap((t: TierReport) => at(t.engine, t.tier, t.findings)),
    ...report.live.flatMap(({ engine, findings }) => at(engine, 'live', findings)),
  ]
}

/** What could not be shown, and what went wrong beside the proof. */
function notifications(report: ProofReport): readonly unknown[] {
  const note = (level: Level, text: string) => ({ level, message: { text: sarifText(text) } })
  return [
    ...report.tiers.flatMap(({ engine, tier, voidReasons, strikes, mutants }) =>
      [
        ...voidReasons,
        ...strikes
          .filter(({ verdict }) => verdict === 'void')
          .map((s) => `${s.attack} (${s.attacker} → ${s.victim}) showed nothing: ${s.outcome}`),
        ...mutants
          .filter(({ status }) => status === 'void')
          .map(({ id, reason }) => `${id} could not be tried: ${reason ?? ''}`),
      ].map((text) => note('error', `${engine} ${tier}: ${text}`)),
    ),
    ...report.live.flatMap(({ engine, voidReasons }) =>
      voidReasons.map((text) => note('error', `${engine} live: ${text}`)),
    ),
    ...report.warnings.map((text) => note('warning', text)),
  ]
}

function distinct<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.toReversed().map((item) => [key(item), item])).values()].toReversed()
}

/** SARIF 2.1.0, section 3.11.5: braces are placeholders unless doubled. */
function sarifText(text: string): string {
  return text.replaceAll('{', '{{').replaceAll('}', '}}')
}
