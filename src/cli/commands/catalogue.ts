import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { cellSchema, planSchema } from '../../control/api/schemas.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { type Columns, writeList } from '../output.ts'

const cellColumns: Columns<z.infer<typeof cellSchema>> = (cell) => ({ ...cell })
const planColumns: Columns<z.infer<typeof planSchema>> = (plan) => ({
  ...plan,
  tiers: plan.tiers.join(' '),
})

/** `ringfence cells` and `ringfence plans`: what tenants are placed in, and what they can buy. */
export function addCatalogue(program: Command, console: Console, _ending: Ending): void {
  kind('cells', 'Cells, and how full they are.', cellSchema, cellColumns, [
    'A file holds one cell, a list of cells, or several documents:',
    '  name: eu-west-1',
    '  region: eu-west',
    '  capacity: 200',
    '  open: true',
  ])
  kind(
    'plans',
    'Plans: tiers, limits, and whether a second person approves.',
    planSchema,
    planColumns,
    [
      'A file holds one plan, a list of plans, or several documents:',
      '  name: standard',
      '  tiers: [pooled, bridge]',
      '  requests_per_minute: 6000',
      '  leases_per_minute: 600',
      '  lease_seconds_max: 900',
      '  approval: false',
    ],
  )

  function kind<T>(
    name: 'cells' | 'plans',
    description: string,
    schema: z.ZodType<T>,
    columns: Columns<T>,
    form: readonly string[],
  ): void {
    const group = examples(
      program.command(name).description(description),
      `ringfence ${name} list`,
      `ringfence ${name} apply -f ${name}.yaml`,
    )
    examples(
      controlCommand(group.command('list').description(`All ${name}.`)),
      `ringfence ${name} list -o yaml`,
    ).action(async (flags: ControlFlags) => {
      const { client, format } = openControl(flags, console)
      writeList(await client.list(`/v1/${name}`, schema), columns, format, console.out)
    })
    const apply = group
      .command('apply')
      .description('Make what a file describes, or change it to that. Can be repeated.')
      .requiredOption('-f, --file <file>', 'YAML or JSON')
    examples(controlCommand(apply), `ringfence ${name} apply -f ${name}.yaml`)
      .addHelpText('after', `\n${form.join('\n')}`)
      .action(async (flags: ControlFlags & { file: string }) => {
        const { client, format } = openControl(flags, console)
        const entries = entriesIn(flags.file)
        const made: T[] = []
        for (const { name: entry, ...body } of entries) {
          const path = pathOf(name, entry)
          made.push(await client.change({ method: 'PUT', path, body }, schema))
        }
        writeList(made, columns, format, console.out)
      })
  }
}

// What `list -o yaml` writes can be applied again: how many tenants a cell has is not ours to say.
const entrySchema = z
  .looseObject({ name: z.string().min(1) })
  .transform(({ tenants: _tenants, ...entry }) => entry)
const entriesSchema = z.array(
  z.union([entrySchema.transform((one) => [one]), z.array(entrySchema)]),
)

/** Every entry of every document; read whole before the first is sent. */
function entriesIn(file: string): readonly z.output<typeof entrySchema>[] {
  let documents: readonly unknown[]
  try {
    documents = parseAllDocuments(readFileSync(file, 'utf8'), { prettyErrors: false }).map(
      (document) => {
        if (document.errors[0] !== undefined) throw document.errors[0]
        return document.toJS()
      },
    )
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${file}: ${messageOf(error)}`)
  }
  const read = entriesSchema.safeParse(documents.filter((document) => document !== null))
  const entries = read.success ? read.data.flat() : []
  if (entries.length === 0) {
    throw new RingfenceError('invalid_manifest', `${file}: no entry with a name`)
  }
  return entries
}
