import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import type { ProofReport } from './proof-report.ts'
import { renderSarif } from './report-sarif.ts'
import { provenReport, troubledReport } from './sample-reports.test-support.ts'

const message = z.strictObject({ text: z.string().min(1) })
const level = z.enum(['error', 'warning', 'note'])

/** What SARIF 2.1.0 and GitHub code scanning demand of the parts that are used. */
const sarifSchema = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string(),
          version: z.string(),
          rules: z.array(
            z.strictObject({
              id: z.string().regex(/^(attack|mutant|finding)\/[\w-]+$/),
              shortDescription: message,
              fullDescription: message,
              help: message,
              defaultConfiguration: z.strictObject({ level }),
              properties: z.strictObject({
                tags: z.array(z.string()),
                'security-severity': z.string().regex(/^\d+\.\d$/),
              }),
            }),
          ),
        }),
      }),
      automationDetails: z.strictObject({ id: z.string().endsWith('/') }),
      invocations: z.tuple([
        z.strictObject({
          executionSuccessful: z.boolean(),
          exitCode: z.number().int(),
          startTimeUtc: z.iso.datetime(),
          endTimeUtc: z.iso.datetime(),
          toolExecutionNotifications: z.array(z.strictObject({ level, message })),
        }),
      ]),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.number().int().min(0),
          level,
          message,
          locations: z
            .array(
              z.strictObject({
                physicalLocation: z.strictObject({
                  artifactLocation: z.strictObject({ uri: z.string() }),
                  region: z.strictObject({ startLine: z.number().int().min(1) }),
                }),
                logicalLocations: z.array(
                  z.strictObject({ fullyQualifiedName: z.string(), kind: z.string() }),
                ),
              }),
            )
            .min(1),
          partialFingerprints: z.strictObject({ 'ringfence/v1': z.string().length(64) }),
        }),
      ),
      properties: z.object({ verdict: z.string() }),
    }),
  ]),
})

function readSarif(report: ProofReport) {
  const [run] = sarifSchema.parse(JSON.parse(renderSarif(report))).runs
  return { ...run, rules: run.tool.driver.rules, invocation: run.invocations[0] }
}

test('a proven run has the required form, its limits as notes, and no other result', async () => {
  const { results, rules, invocation } = readSarif(await provenReport())
  assert.deepEqual(
    results.map((result) => [result.ruleId, result.level]),
    [['attack/fake-exists', 'note']],
  )
  assert.deepEqual([invocation.executionSuccessful, invocation.exitCode], [true, 0])
  assert.equal(rules.length, 5 + 2)
})

test('leaks, unnoticed mutants and findings are results; what was not shown is a notification', async () => {
  const report = await troubledReport()
  const { results, invocation } = readSarif(report)
  const of = (prefix: string) => results.filter(({ ruleId }) => ruleId.startsWith(prefix))
  assert.equal(of('attack/fake-write').length, 3)
  assert.ok(of('attack/fake-write').every((result) => result.level === 'error'))
  assert.equal(of('mutant/fake-filter-off').length, 2)
  assert.deepEqual(
    new Set(of('finding/').map((result) => result.level)),
    new Set(['error', 'note']),
  )
  const texts = invocation.toolExecutionNotifications.map(({ message }) => message.text)
  assert.ok(texts.some((text) => text.startsWith('fake silo: the administrator does not see')))
  assert.ok(texts.some((text) => text.includes('fake-flood (birch → ')))
  assert.ok(texts.some((text) => text.includes('fake-grant-all could not be tried')))
})

test('every result names its rule by id and by index, and has a fingerprint of its own', async () => {
  const { results, rules } = readSarif(await troubledReport())
  assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length)
  for (const result of results) assert.equal(rules[result.ruleIndex]?.id, result.ruleId)
  const prints = results.map((result) => result.partialFingerprints['ringfence/v1'])
  assert.equal(new Set(prints).size, prints.length)
})

test('the same run gives the same fingerprints, so that an alert is not raised twice', async () => {
  const prints = async () =>
    readSarif(await troubledReport()).results.map((result) => result.partialFingerprints)
  assert.deepEqual(await prints(), await prints())
})

test('braces of an engine’s words are doubled: SARIF reads single ones as placeholders', async () => {
  const { results, rules } = readSarif(await troubledReport())
  const texts = [...results, ...rules.map((rule) => ({ message: rule.shortDescription }))].map(
    ({ message }) => message.text,
  )
  assert.ok(texts.some((text) => text.includes('{{0}}')))
  for (const text of texts) assert.doesNotMatch(text, /(?:^|[^{])\{(?:\{\{)*[^{]/)
})
