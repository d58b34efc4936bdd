import assert from 'node:assert/strict'
import { test } from 'node:test'
import type pg from 'pg'
import type { Finding } from '../../../core/finding.ts'

/** One way to weaken a state, and the rule that must notice it. */
export interface Trial {
  readonly rule: string
  /** What is done, for the test's title. */
  readonly when: string
  /** Statements, one a line, as a careless administrator runs them. */
  readonly sql: string
  /** What the finding must name. */
  readonly object: string
  /** Takes away what the fix leaves, or, where there is no fix, everything. */
  readonly undo?: string
  /** True where only a person can decide what to do. */
  readonly noFix?: boolean
}

export interface Stage {
  /** The administrator, past the guard rails, where the trial's SQL runs. */
  readonly past: () => pg.Client
  /** The administrator, as anyone who applies a fix. */
  readonly plain: () => pg.Client
  readonly inspect: () => Promise<readonly Finding[]>
  /** What `{word}` stands for in this trial's texts. */
  readonly words?: () => Promise<Readonly<Record<string, string>>>
  /** Takes away what `words` made. */
  readonly reset?: () => Promise<void>
}

/** Weakens, looks, mends as the finding says, looks again; the state is clean in the end. */
export function tryRules(stage: Stage, trials: readonly Trial[]): void {
  for (const trial of trials) {
    test(`${trial.rule} notices ${trial.when}${trial.noFix === true ? '' : ', and its fix mends it'}`, async () => {
      const words = (await stage.words?.()) ?? {}
      const fill = (text: string) =>
        text.replaceAll(/\{(\w+)\}/g, (all, word: string) => words[word] ?? all)
      await runAll(stage.past(), fill(trial.sql))
      try {
        const found = (await stage.inspect()).filter(({ rule }) => rule === trial.rule)
        const finding = found.find(({ object }) => object.includes(fill(trial.object)))
        assert.ok(finding, `found ${JSON.stringify(found.map(({ object }) => object))}`)
        assert.equal(finding.fix === undefined, trial.noFix === true, finding.fix)
        for (const { fix } of found) if (fix !== undefined) await runAll(stage.plain(), fix)
        if (trial.noFix !== true) {
          const left = await stage.inspect()
          assert.deepEqual(
            left.filter(({ rule }) => rule === trial.rule),
            [],
          )
          if (trial.undo === undefined && stage.reset === undefined) {
            assert.deepEqual(wide(left), [])
            return
          }
        }
      } finally {
        if (trial.undo !== undefined) await runAll(stage.past(), fill(trial.undo))
        await stage.reset?.()
      }
      assert.deepEqual(wide(await stage.inspect()), [])
    })
  }
}

/** What would fail a proof. */
export function wide(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ rule, object }) => `${rule} ${object}`)
}

/** ALTER SYSTEM and CREATE DATABASE must be alone; everything else may be one message. */
async function runAll(client: pg.Client, sql: string): Promise<void> {
  const reloads = sql.includes('alter system')
  const alone = reloads || sql.includes('create database')
  for (const statement of alone ? sql.split(/;\n/) : [sql]) await client.query(statement)
  // The server takes up a new configuration soon after it was told to.
  if (reloads) await new Promise((resolve) => setTimeout(resolve, 150))
}
