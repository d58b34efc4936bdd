import { ATTACK_KINDS } from '../boundaries/boundary.ts'
import { escapeMarkup } from './escape-markup.ts'
import type {
  FindingReport,
  MutantReport,
  ProofReport,
  StrikeReport,
  TierReport,
} from './proof-report.ts'

/**
 * JUnit XML as Jenkins, GitLab, GitHub actions and Azure DevOps read it: a suite for each engine, tier
 * and kind of attack, and for its mutants, inspection and conditions. A leak is a failure, what could
 * not be shown an error, and a stated limit is skipped with its sentence: it never passes.
 */
export function renderJunit(report: ProofReport): string {
  const suites = [
    ...report.tiers.flatMap((tier) => tierSuites(report, tier)),
    ...report.live.map(({ engine, voidReasons, findings }) => ({
      name: `${engine} live inspection`,
      cases: [...voidReasons.map(voidCase), inspectionCase(findings)],
    })),
  ].filter(({ cases }) => cases.length > 0)
  const all = suites.flatMap(({ cases }) => cases)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="ringfence prove" ${totals(all)}>`,
    ...suites.map((suite) => renderSuite(report, suite)),
    '</testsuites>',
    '',
  ].join('\n')
}

type Outcome = 'passed' | 'failure' | 'error' | 'skipped'

interface Case {
  readonly name: string
  readonly milliseconds: number
  readonly outcome: Outcome
  /** Why it did not pass, in one line. */
  readonly message?: string
  /** What was seen. */
  readonly output?: string
}

interface Suite {
  readonly name: string
  readonly cases: readonly Case[]
}

function tierSuites(report: ProofReport, tier: TierReport): readonly Suite[] {
  const name = `${tier.engine} ${tier.tier}`
  const titles = new Map(
    report.attacks
      .filter(({ engine }) => engine === tier.engine)
      .map((attack) => [attack.id, attack] as const),
  )
  const limits = report.limits.filter((l) => l.engine === tier.engine && l.tier === tier.tier)
  const sentence = (attack: string) =>
    limits.find(({ attacks }) => attacks.includes(attack))?.sentence ?? ''
  const strikes = (kind: string) =>
    tier.strikes
      .filter((strike) => titles.get(strike.attack)?.kind === kind)
      .map((strike) =>
        strikeCase(strike, titles.get(strike.attack)?.title ?? '', sentence(strike.attack)),
      )
  const conditions: Case =
    tier.voidReasons.length === 0
      ? { name: 'every canary was seen', milliseconds: tier.milliseconds, outcome: 'passed' }
      : voidCase(tier.voidReasons.join('; '))
  return [
    { name: `${name} conditions`, cases: [conditions] },
    ...ATTACK_KINDS.map((kind) => ({ name: `${name} ${kind}`, cases: strikes(kind) })),
    { name: `${name} mutants`, cases: tier.mutants.map(mutantCase) },
    { name: `${name} inspection`, cases: [inspectionCase(tier.findings)] },
  ]
}

function strikeCase(strike: StrikeReport, title: string, limit: string): Case {
  const outcomes = {
    denied: { outcome: 'passed' },
    leaked: { outcome: 'failure', message: `leaked: ${strike.outcome}` },
    limit: { outcome: 'skipped', message: `stated limit: ${limit}` },
    void: { outcome: 'error', message: `not shown: ${strike.outcome}` },
  } as const
  return {
    name: `${strike.attack}: ${title} (${strike.attacker} → ${strike.victim})`,
    milliseconds: strike.milliseconds,
    output: `owner: ${strike.owner}\nattacker: ${strike.outcome}`,
    ...outcomes[strike.verdict],
  }
}

function mutantCase(mutant: MutantReport): Case {
  const outcomes = {
    noticed: { outcome: 'passed' },
    unnoticed: { outcome: 'failure', message: 'no attack and no inspection noticed this mutant' },
    void: { outcome: 'error', message: mutant.reason ?? 'the mutant could not be tried' },
  } as const
  const noticers = [...mutant.noticedBy.attacks, ...mutant.noticedBy.findings]
  return {
    name: `${mutant.id}: ${mutant.title}`,
    milliseconds: mutant.milliseconds,
    output: noticers.length > 0 ? `noticed by ${noticers.join(', ')}` : 'noticed by nobody',
    ...outcomes[mutant.status],
  }
}

function inspectionCase(findings: readonly FindingReport[]): Case {
  const wide = findings.filter(({ severity }) => severity !== 'info')
  return {
    name: 'no place is wider than promised',
    milliseconds: 0,
    outcome: wide.length > 0 ? 'failure' : 'passed',
    message: wide.map(({ rule, object }) => `${rule} on ${object}`).join('; '),
    output: findings
      .map((f) => `${f.severity} ${f.rule} on ${f.object}: ${f.explanation}`)
      .join('\n'),
  }
}

function voidCase(reason: string): Case {
  return { name: 'every canary was seen', milliseconds: 0, outcome: 'error', message: reason }
}

function renderSuite(report: ProofReport, { name, cases }: Suite): string {
  const properties = {
    ...report.environment,
    'ringfence.version': report.tool.version,
    'node.version': report.tool.node,
  }
  return [
    // Ant's schema allows neither fractions of a second nor a zone in a timestamp.
    `<testsuite name="${escapeMarkup(name)}" ${totals(cases)} timestamp="${report.startedAt.slice(0, 19)}">`,
    '<properties>',
    ...Object.entries(properties).map(
      ([key, value]) => `<property name="${escapeMarkup(key)}" value="${escapeMarkup(value)}"/>`,
    ),
    '</properties>',
    ...cases.map((item) => renderCase(name, item)),
    '</testsuite>',
  ].join('\n')
}

function renderCase(suite: string, { name, milliseconds, outcome, message, output }: Case): string {
  const className = `ringfence.${suite.replaceAll(' ', '.')}`
  const head = `<testcase name="${escapeMarkup(name)}" classname="${escapeMarkup(className)}" time="${seconds(milliseconds)}">`
  const because = escapeMarkup(message ?? '')
  const results: Readonly<Record<Outcome, string>> = {
    passed: '',
    skipped: `<skipped message="${because}"/>`,
    failure: `<failure message="${because}" type="leak">${because}</failure>`,
    error: `<error message="${because}" type="void">${because}</error>`,
  }
  const seen = output ? `<system-out>${escapeMarkup(output)}</system-out>` : ''
  return `${head}${results[outcome]}${seen}</testcase>`
}

function totals(cases: readonly Case[]): string {
  const count = (outcome: Outcome) => cases.filter((item) => item.outcome === outcome).length
  const time = cases.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
  return `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" time="${seconds(time)}"`
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3)
}
