import type { Command } from 'commander'
import { RingfenceError } from '../../core/errors.ts'
import { compileStore } from '../../policy/policy-store.ts'
import { dryRun } from '../../policy/compare-stores.ts'
import { explain } from '../../policy/explain.ts'
import { runPolicyTests, testQuestion } from '../../policy/policy-tests.ts'
import { questionOf, readRecording, type RecordedQuestion } from '../../policy/recorded-question.ts'
import type { Console } from '../console.ts'
import { examples, wholeNumber } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { parseFormat, writeList } from '../output.ts'
import { addPolicyRollback } from './policy-rollback.ts'
import { parsedOf, readStore, readStores, type StoreFile } from '../policy-manifests.ts'
import { readText } from '../read-document.ts'

interface FileFlags {
  readonly file: string
  readonly store?: string
  readonly output: string
}

/** `ringfence policy`: looks at policy stores in files, before they are applied. */
export function addPolicy(program: Command, console: Console, ending: Ending): void {
  const policy = examples(
    program.command('policy').description('Look at policy stores before they are applied.'),
    'ringfence policy test -f acme/',
    'ringfence policy explain -f acme.yaml --recording questions.jsonl --line 7',
    'ringfence policy diff -f new.yaml --against old.yaml --recording questions.jsonl',
    'ringfence policy rollback acme --to 7 --why "nobody could sign"',
  )
  const add = (usage: string, description: string, example: string) =>
    examples(
      policy
        .command(usage)
        .description(description)
        .requiredOption('-f, --file <path>', 'a file of manifests, or a directory')
        .option('-o, --output <format>', 'table, json or yaml', 'table'),
      `ringfence policy ${usage} ${example}`,
    )
  add(
    'validate',
    'What is wrong with stores: what they say, and what they name.',
    '-f acme/',
  ).action((flags: FileFlags) => validate(flags, console, ending))
  add('test', 'Run the tests that stand in stores.', '-f acme/').action((flags: FileFlags) =>
    test(flags, console, ending),
  )
  add(
    'explain',
    'What each policy of a store says to one question, and why.',
    '-f acme.yaml --recording questions.jsonl --line 7',
  )
    .option('--store <name>', 'which store, where there are several')
    .option('--recording <path>', 'a file of recorded questions')
    .option('--line <number>', 'which of them')
    .option('--principal <entity>', 'instead of a recorded one: User::"acme/ada"')
    .option('--action <entity>', 'Action::"GET"')
    .option('--resource <entity>', 'Api::"acme/clinic"')
    .action((flags: ExplainFlags) => explainOne(flags, console, ending))
  add(
    'diff',
    'What a new version of a store decides in another way than an old one.',
    '-f new.yaml --against old.yaml --recording questions.jsonl',
  )
    .option('--store <name>', 'which store, where there are several')
    .option('--against <path>', 'the old version. Default: what was decided when it was recorded')
    .requiredOption('--recording <path>', 'a file of recorded questions')
    .action((flags: DiffFlags) => diff(flags, console, ending))
  addPolicyRollback(policy, console)
}

function validate({ file, output }: FileFlags, console: Console, ending: Ending): void {
  const format = parseFormat(output)
  const stores = readStores(file)
  const found = stores.flatMap(({ name, tenant, validated: { problems, warnings } }) => {
    const of = { store: name, tenant: tenant ?? null }
    return [
      ...problems.map((one) => ({ ...of, kind: 'problem', ...one })),
      ...warnings.map((one) => ({ ...of, kind: 'warning', ...one })),
    ]
  })
  if (format === 'table' && found.length === 0) {
    console.out(
      `nothing is wrong with ${stores.length === 1 ? 'it' : `the ${stores.length} stores`}\n`,
    )
  } else writeList(found, (one) => one, format, console.out)
  if (found.some(({ kind }) => kind === 'problem')) ending.exitCode = 1
}

function test({ file, output }: FileFlags, console: Console, ending: Ending): void {
  const format = parseFormat(output)
  const results = readStores(file).flatMap((store) => {
    if (store.tenant === undefined) return []
    const links = store.written.links ?? []
    const of = runPolicyTests(parsedOf(store), links, store.tests, store.tenant)
    return of.map((result) => ({ store: store.name, ...result }))
  })
  if (results.length === 0) {
    throw new RingfenceError('invalid_argument', `${file}: no store in it has tests`)
  }
  writeList(
    results,
    ({ store, name, passed, expected, decision, reason }) => ({
      store,
      test: name,
      result: passed ? 'passed' : `FAILED: ${decision} instead of ${expected}`,
      reason,
    }),
    format,
    console.out,
  )
  if (results.some(({ passed }) => !passed)) ending.exitCode = 1
}

interface ExplainFlags extends FileFlags {
  readonly recording?: string
  readonly line?: string
  readonly principal?: string
  readonly action?: string
  readonly resource?: string
}

function explainOne(flags: ExplainFlags, console: Console, ending: Ending): void {
  const format = parseFormat(flags.output)
  const store = readStore(flags.file, flags.store)
  const parsed = parsedOf(store)
  const links = store.written.links ?? []
  const explained = explain(parsed, links, questionFor(flags, store))
  writeList(
    explained,
    ({ id, effect, outcome, why, notes }) => ({
      policy: id,
      effect,
      outcome,
      why,
      notes: notes.join(' '),
    }),
    format,
    console.out,
  )
  const applying = explained.filter(({ outcome }) => outcome === 'applies')
  const forbids = explained.some(
    ({ effect, outcome }) => effect === 'forbid' && (outcome === 'applies' || outcome === 'fails'),
  )
  const allowed = !forbids && applying.length > 0
  if (format === 'table') console.out(`\n${allowed ? 'allow' : 'deny'}\n`)
  if (!allowed) ending.exitCode = 1
}

function questionFor(flags: ExplainFlags, store: StoreFile) {
  const { recording, line, principal, action, resource } = flags
  if (recording !== undefined) {
    const number = wholeNumber(line, '--line') ?? 1
    const one = readRecording(readText(recording))[number - 1]
    if (one !== undefined) return questionOf(one)
    throw new RingfenceError('invalid_argument', `${recording}: there is no question ${number}`)
  }
  if (principal === undefined || action === undefined || resource === undefined) {
    throw new RingfenceError(
      'invalid_argument',
      'name a recorded question, or --principal, --action and --resource',
    )
  }
  const { tenant } = store
  if (tenant === undefined) throw new RingfenceError('invalid_argument', 'a store has a tenant')
  return testQuestion({ principal, action, resource }, [], parsedOf(store), tenant)
}

interface DiffFlags extends FileFlags {
  readonly against?: string
  readonly recording: string
}

function diff(flags: DiffFlags, console: Console, ending: Ending): void {
  const format = parseFormat(flags.output)
  const compiled = (file: string) => {
    const store = readStore(file, flags.store)
    return {
      tenant: store.tenant,
      compiled: compileStore(parsedOf(store), store.written.links ?? []),
    }
  }
  const after = compiled(flags.file)
  const before = flags.against === undefined ? undefined : compiled(flags.against)
  const recorded = readRecording(readText(flags.recording)).filter(
    ({ tenant }) => tenant === after.tenant,
  )
  const { questions, changed, failing } = dryRun(recorded, after.compiled, before?.compiled)
  if (format !== 'table' || changed.length > 0)
    writeList(
      changed,
      (one) => ({
        principal: nameOf(one.recorded.principal),
        action: one.recorded.action.id,
        resource: nameOf(one.recorded.resource),
        before: one.before,
        after: one.after,
        why: one.afterReason,
      }),
      format,
      console.out,
    )
  if (format === 'table') {
    console.out(
      `${changed.length > 0 ? '\n' : ''}${questions} questions: ${changed.length} would be decided in another way; at ${failing} a policy fails\n`,
    )
  }
  if (changed.length > 0) ending.exitCode = 1
}

const nameOf = ({ type, id }: RecordedQuestion['principal']) => `${type}::${JSON.stringify(id)}`
