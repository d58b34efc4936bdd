import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PII_KINDS, type PiiKind } from '../../../src/contracts/guardrail.ts'
import { JsonRewriter } from '../../../src/guardrails/json-rewriter.ts'
import { TextWindow } from '../../../src/guardrails/text-window.ts'
import { TopicBook } from '../../../src/guardrails/topics.ts'
import { Verdict } from '../../../src/guardrails/verdict.ts'

export interface Figures {
  readonly kind: PiiKind
  readonly positives: number
  readonly negatives: number
  /** Of what was found, how much is right. */
  readonly precision: number
  /** Of what is there, how much was found. */
  readonly recall: number
  /** Lines that came out wrong. */
  readonly missed: readonly string[]
  readonly mistaken: readonly string[]
}

/** What the labelled set says of the detection of one kind, through the very rewriters of bodies. */
export function measure(kind: PiiKind): Figures {
  const lines = readFileSync(join(import.meta.dirname, `${kind}.tsv`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
  const missed: string[] = []
  const mistaken: string[] = []
  let right = 0
  let positives = 0
  for (const [label, text = '', value = ''] of lines) {
    const { out, count } = redact(kind, text)
    const isPositive = label === '1'
    const isFound = isPositive && !out.includes(value)
    if (isPositive) positives += 1
    if (isFound) right += 1
    else if (isPositive) missed.push(text)
    const wrong = count - (isFound ? 1 : 0)
    for (let n = 0; n < wrong; n += 1) mistaken.push(text)
  }
  return {
    kind,
    positives,
    negatives: lines.length - positives,
    precision: right / (right + mistaken.length),
    recall: right / positives,
    missed,
    mistaken,
  }
}

function redact(kind: PiiKind, text: string): { readonly out: string; readonly count: number } {
  const tally = new Map<string, number>()
  const rules = {
    actions: new Map([[kind, 'redact' as const]]),
    kinds: [kind],
    topics: new TopicBook([]),
    looks: true,
    isStrict: true,
    blocks: false,
    isHeld: true,
    bytesMax: Number.POSITIVE_INFINITY,
    mediaTypes: [],
  }
  const verdict = new Verdict(rules, 'request', tally)
  const rewriter = text.startsWith('{') ? new JsonRewriter(verdict) : new TextWindow(verdict)
  const out = rewriter.push(text) + rewriter.end()
  return { out, count: [...tally.values()].reduce((a, b) => a + b, 0) }
}

if (import.meta.main) {
  const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`
  const isLong = process.argv.includes('--lines')
  console.log(
    '| kind | positive | negative | precision | recall |\n| --- | --- | --- | --- | --- |',
  )
  for (const kind of PII_KINDS) {
    const { positives, negatives, precision, recall, missed, mistaken } = measure(kind)
    console.log(
      `| ${kind} | ${positives} | ${negatives} | ${percent(precision)} | ${percent(recall)} |`,
    )
    if (!isLong) continue
    for (const line of missed) console.log(`  missed: ${line}`)
    for (const line of mistaken) console.log(`  mistaken: ${line}`)
  }
}
