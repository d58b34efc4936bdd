import type { Command } from 'commander'
import { type WireWorkflow, workflowSchema } from '../../control/api/schemas.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
  wholeNumber,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { followWorkflow, workflowColumns } from '../follow-workflow.ts'
import { type Columns, writeList, writeOne } from '../output.ts'

interface ListFlags extends ControlFlags {
  readonly tenant?: string
  readonly is?: string
  readonly limit?: string
}

const withSteps: Columns<WireWorkflow> = (workflow) => ({
  ...workflowColumns(workflow),
  ...Object.fromEntries(
    workflow.steps.map(({ name, state, note }) => [
      `· ${name}`,
      note === null ? state : `${state}: ${note}`,
    ]),
  ),
})

/** `ringfence workflows`: what is under way, and how it went. */
export function addWorkflows(program: Command, console: Console, ending: Ending): void {
  const workflows = examples(
    program.command('workflows').description('What is under way, and how it went.'),
    'ringfence workflows list --is failed',
    'ringfence workflows watch onboard-4711',
  )
  const list = workflows
    .command('list')
    .description('All workflows, newest first.')
    .option('--tenant <tenant>', 'only those of a tenant')
    .option('--is <state>', 'running, waiting, succeeded, failed or cancelled')
    .option('--limit <n>', 'at most so many', '50')
  examples(
    controlCommand(list),
    'ringfence workflows list --tenant acme',
    'ringfence workflows list --is failed -o json',
  ).action(async (flags: ListFlags) => {
    const { client, format } = openControl(flags, console)
    const query = { tenant: flags.tenant, state: flags.is }
    const most = wholeNumber(flags.limit, '--limit')
    const all = await client.list('/v1/workflows', workflowSchema, query, most)
    writeList(all, workflowColumns, format, console.out)
  })
  examples(
    controlCommand(workflows.command('get <workflow>').description('One workflow and its steps.')),
    'ringfence workflows get onboard-4711 -o yaml',
  ).action(async (id: string, flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    const workflow = await client.get(pathOf('workflows', id), workflowSchema)
    writeOne(workflow, withSteps, format, console.out)
  })
  const watch = workflows
    .command('watch <workflow>')
    .description('Follow it to its end; exit with 1 if it does not succeed.')
    .option('--timeout <seconds>', 'give up after so long; the workflow goes on')
  examples(controlCommand(watch), 'ringfence workflows watch onboard-4711').action(
    async (id: string, flags: ControlFlags & { timeout?: string }) => {
      const { client, format } = openControl(flags, console)
      const ended = await followWorkflow(client, id, console, flags)
      writeOne(ended, withSteps, format, console.out)
      if (ended.state !== 'succeeded') ending.exitCode = 1
    },
  )
}
