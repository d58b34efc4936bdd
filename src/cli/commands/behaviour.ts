import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import type { Finding } from '../../behaviour/finding.ts'
import { replay } from '../../behaviour/replay.ts'
import { behaviourSettingsSchema } from '../../behaviour/settings.ts'
import { judge } from '../../behaviour/simulation/judge.ts'
import { type Label, labelsSchema } from '../../behaviour/simulation/label.ts'
import { simulate } from '../../behaviour/simulation/simulate.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import { ControlClient } from '../control-client.ts'
import { examples, pathOf, wholeNumber } from '../control-command.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'
import { parseFormat, writeList } from '../output.ts'
import { readText } from '../read-document.ts'
import { recordsAccess, type RecordsFlags } from '../records-access.ts'

const ATTACKS_FROM = 14

const responseSchema = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      tenant: z.string().nullable(),
      kind: z.string(),
      object: z.string(),
      detector: z.string(),
      reason: z.string(),
      until: z.string(),
    }),
  ),
})

/** `ringfence behaviour`: what detectors make of traffic, and what they have done. */
export function addBehaviour(program: Command, console: Console, ending: Ending): void {
  const behaviour = examples(
    program.command('behaviour').description('What is usual, what is not, and what was done then.'),
    'ringfence behaviour responses',
    'ringfence behaviour undo 0f8fad5b-d9cb-469f-a165-70867728950e --why "our own scanner"',
    'ringfence behaviour replay traffic.ndjson --settings stricter.json',
    'ringfence behaviour simulate traffic.ndjson --labels labels.json --seed 7',
  )
  addReplay(behaviour, console, ending)
  addSimulate(behaviour, console)
  addResponses(behaviour, console)
}

function addReplay(behaviour: Command, console: Console, ending: Ending): void {
  examples(
    behaviour
      .command('replay <file>')
      .description('What detectors say of recorded entries and usage events. Nothing is done.')
      .option('--settings <file>', 'thresholds, as JSON, instead of the defaults')
      .option('--labels <file>', 'what is in it, as `simulate` writes it')
      .option('--json', 'write the report as JSON'),
    'ringfence behaviour replay traffic.ndjson --labels labels.json',
  ).action(async (file: string, flags: { settings?: string; labels?: string; json?: boolean }) => {
    const settings = readJson(flags.settings, behaviourSettingsSchema)
    const labels: readonly Label[] = readJson(flags.labels, labelsSchema.default([]))
    const stream = createReadStream(file)
    await once(stream, 'open').catch((error: unknown) => {
      throw new RingfenceError('invalid_argument', `${file} cannot be read: ${messageOf(error)}`)
    })
    const replayed = await replay(createInterface({ input: stream }), settings)
    const judged = flags.labels === undefined ? undefined : judge(replayed.findings, labels)
    ending.exitCode = replayed.findings.length > 0 ? 1 : 0
    if (flags.json === true) {
      console.out(`${JSON.stringify({ ...replayed, ...judged }, null, 2)}\n`)
      return
    }
    const { entries, events, judged: hours, findings } = replayed
    if (judged === undefined) writeList(findings, columnsOf, 'table', console.out)
    else {
      writeList(judged.detectors, (one) => one, 'table', console.out)
      console.out('\n')
      writeList(judged.attacks, (one) => one, 'table', console.out)
    }
    console.out(
      `\n${entries} entries, ${events} events, ${hours} hours judged, ${findings.length} findings\n`,
    )
  })
}

function addSimulate(behaviour: Command, console: Console): void {
  examples(
    behaviour
      .command('simulate <file>')
      .description('Write labelled traffic of tenants that there are not.')
      .requiredOption('--labels <file>', 'where to write what is in it')
      .option('--seed <n>', 'the same seed gives the same traffic', '7')
      .option('--tenants <n>', 'how many tenants', '3')
      .option('--days <n>', 'how many days; from the fifteenth on there are attacks', '28'),
    'ringfence behaviour simulate traffic.ndjson --labels labels.json --days 21',
  ).action(
    async (
      file: string,
      flags: { labels: string; seed: string; tenants: string; days: string },
    ) => {
      const options = {
        seed: wholeNumber(flags.seed, '--seed') ?? 7,
        tenants: wholeNumber(flags.tenants, '--tenants') ?? 3,
        days: wholeNumber(flags.days, '--days') ?? 28,
        attacksFrom: ATTACKS_FROM,
      }
      const [out, written] = [await created(file), await created(flags.labels)]
      const labels: Label[] = []
      let count = 0
      for (const day of simulate(options)) {
        labels.push(...day.labels)
        count += day.lines.length
        const text = day.lines.map((line) =>
          JSON.stringify('entry' in line ? line.entry : line.event),
        )
        if (!out.write(`${text.join('\n')}\n`)) await once(out, 'drain')
      }
      out.end()
      await finished(out)
      written.end(`${JSON.stringify(labels, null, 2)}\n`)
      await finished(written)
      console.out(`${count} lines, ${labels.length} attacks\n`)
    },
  )
}

function addResponses(behaviour: Command, console: Console): void {
  const asking = (command: Command) =>
    command
      .option('--records <url>', 'the records plane (RINGFENCE_RECORDS)')
      .option('--token <token>', 'an operator’s token, better env:NAME (RINGFENCE_TOKEN)')
      .option(
        '--state <directory>',
        'the state directory of a platform here',
        STATE_DIRECTORY_DEFAULT,
      )
  const client = (flags: RecordsFlags) => new ControlClient(recordsAccess(flags, console))
  examples(
    asking(
      behaviour.command('responses').description('What detectors have done that is in force.'),
    ).option('-o, --output <format>', 'table, json or yaml', 'table'),
    'ringfence behaviour responses',
  ).action(async (flags: RecordsFlags & { readonly output: string }) => {
    const { items } = await client(flags).get(pathOf('behaviour', 'responses'), responseSchema)
    writeList(items, (one) => one, parseFormat(flags.output), console.out)
  })
  examples(
    asking(
      behaviour.command('undo <response>').description('End a response before its time.'),
    ).requiredOption('--why <reason>', 'for the log'),
    'ringfence behaviour undo 0f8fad5b-d9cb-469f-a165-70867728950e --why "our own scanner"',
  ).action(async (id: string, flags: RecordsFlags & { readonly why: string }) => {
    const path = pathOf('behaviour', 'responses', id, 'undo')
    await client(flags).change({ method: 'POST', path, body: { reason: flags.why } }, z.unknown())
    console.out('ended\n')
  })
}

const columnsOf = ({ detector, tenant, about, signal, at, counted, limit }: Finding) => ({
  at: new Date(at).toISOString(),
  detector,
  tenant: tenant ?? '',
  ...{ about, signal, counted },
  limit: Math.round(limit),
})

/** @throws RingfenceError `not_writable` */
async function created(file: string): Promise<WriteStream> {
  const stream = createWriteStream(file)
  await once(stream, 'open').catch((error: unknown) => {
    throw new RingfenceError('not_writable', `${file} cannot be written: ${messageOf(error)}`)
  })
  return stream
}

function readJson<T>(file: string | undefined, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = file === undefined ? undefined : JSON.parse(readText(file))
  } catch (error) {
    if (error instanceof RingfenceError) throw error
    throw new RingfenceError('invalid_argument', `${file} is not JSON`)
  }
  const read = schema.safeParse(value)
  if (read.success) return read.data
  throw new RingfenceError('invalid_argument', `${file}: ${messageOf(read.error)}`)
}
