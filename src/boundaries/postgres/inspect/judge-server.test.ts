import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../../core/finding.ts'
import { CLUSTER_RULES } from './cluster-rules.ts'
import { DATABASE_RULES } from './database-rules.ts'
import { judgeServer } from './judge-server.ts'
import { ADVISORIES, SUPPORTED_MAJORS } from './server-advisories.ts'
import { STRUCTURE_RULES } from './structure-rules.ts'

const NOW = new Date('2026-11-01')

const finding = (rule: string): Finding => ({
  rule,
  severity: 'high',
  object: 'o',
  explanation: 'e',
  fix: undefined,
})

const judged = (version: number, others: readonly Finding[] = [], now = NOW) =>
  judgeServer(version, others, now).map(({ severity, object }) => `${severity} ${object}`)

test('a hole that the schema closes is a remark', () => {
  assert.ok(judged(180004).includes('info CVE-2026-120154'))
})

test('the same hole is open where the rule that closes it has a finding', () => {
  const found = judgeServer(180004, [finding('pg-unique-without-tenant')], NOW)
  const hole = found.find(({ object }) => object === 'CVE-2026-120154')
  assert.equal(hole?.severity, 'high')
  assert.match(hole?.explanation ?? '', /because of pg-unique-without-tenant.*18\.7/)
  assert.ok(found.filter(({ severity }) => severity !== 'info').length === 1)
})

test('a mended server has no advisory', () => {
  for (const version of [150020, 160016, 170012, 180007]) assert.deepEqual(judged(version), [])
})

test('what nothing but another server closes is said to be a limit', () => {
  const found = judgeServer(180004, [], NOW)
  const limits = found.filter(({ explanation }) => explanation.includes('a limit of this server'))
  assert.ok(limits.some(({ object }) => object === 'CVE-2026-120141'))
})

test('a major version that is not tested is not waved through', () => {
  assert.deepEqual(judged(130020), ['high PostgreSQL 13.20'])
  assert.deepEqual(judged(190000), ['high PostgreSQL 19.0'])
})

test('the end of a major version is remarked on', () => {
  assert.deepEqual(judged(140025, [], new Date('2026-11-21')), ['info PostgreSQL 14.25'])
})

test('advisories name majors that are supported and rules that exist', () => {
  const rules = new Set(
    [...STRUCTURE_RULES, ...DATABASE_RULES, ...CLUSTER_RULES].map(({ id }) => id),
  )
  for (const { id, fixedIn, closed } of ADVISORIES) {
    assert.match(id, /^CVE-\d{4}-\d{4,}$/)
    assert.ok(
      Object.keys(fixedIn).every((major) => Number(major) in SUPPORTED_MAJORS),
      id,
    )
    assert.ok(closed?.by.every((rule) => rules.has(rule)) ?? true, id)
  }
  assert.equal(new Set(ADVISORIES.map(({ id }) => id)).size, ADVISORIES.length)
})
