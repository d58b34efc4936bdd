import type { Command } from 'commander'
import { workflowSchema } from '../../control/api/schemas.ts'
import type { Console } from '../console.ts'
import {
  confirm,
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { reportWorkflow, type WaitFlags, waitFlags } from '../follow-workflow.ts'

interface Flags extends ControlFlags, WaitFlags {
  readonly why?: string
  readonly to?: string
  readonly purge?: boolean
  readonly yes?: boolean
}

/** What is done to a tenant and takes its time; each starts a workflow. */
export function addTenantActs(tenants: Command, console: Console, ending: Ending): void {
  act(
    tenants
      .command('suspend <tenant>')
      .description('End its leases and tokens now; its data stays.')
      .requiredOption('--why <reason>', 'one line for the record')
      .option('--yes', 'do not ask'),
    'suspension',
    ({ why }) => ({ why }),
    {
      examples: ['ringfence tenants suspend acme --why "unpaid since May" --yes'],
      asks: (tenant) => `This ends all sessions of ${tenant} now.`,
    },
  )
  act(
    tenants
      .command('resume <tenant>')
      .description('Serve it again, or continue its failed workflow at the step that failed.'),
    'resumption',
    () => ({}),
    { examples: ['ringfence tenants resume acme --wait'] },
  )
  act(
    tenants
      .command('move <tenant>')
      .description('Move it to another tier while it works on.')
      .requiredOption('--to <tier>', 'pooled, bridge or silo'),
    'move',
    ({ to }) => ({ to }),
    { examples: ['ringfence tenants move acme --to silo --wait'] },
  )
  act(
    tenants
      .command('export <tenant>')
      .description(
        'Write all that it owns into the control plane’s export directory, with hashes.',
      ),
    'export',
    () => ({}),
    { examples: ['ringfence tenants export acme --wait -o json'] },
  )
  act(
    tenants
      .command('cancel <tenant>')
      .description(
        'Call its offboarding off in the grace period, or its move before the cut-over.',
      ),
    'cancellation',
    () => ({}),
    {
      examples: ['ringfence tenants cancel acme --wait'],
      good: ['cancelled', 'succeeded'],
    },
  )
  addDelete()

  function act(
    command: Command,
    noun: string,
    bodyOf: (flags: Flags) => object,
    more: {
      readonly examples: readonly string[]
      readonly asks?: (tenant: string) => string
      readonly good?: readonly ('cancelled' | 'succeeded')[]
    },
  ): void {
    examples(waitFlags(controlCommand(command)), ...more.examples).action(
      async (tenant: string, flags: Flags) => {
        const { client, format } = openControl(flags, console)
        if (more.asks !== undefined) await confirm(console, flags, more.asks(tenant), tenant)
        const workflow = await client.change(
          { method: 'POST', path: pathOf('tenants', tenant, noun), body: bodyOf(flags) },
          workflowSchema,
        )
        const { good } = more
        const context = { client, console, ending, flags, format }
        await reportWorkflow(workflow, good === undefined ? context : { ...context, good })
      },
    )
  }

  function addDelete(): void {
    const command = tenants
      .command('delete <tenant>')
      .description('Export it, wait for the grace period, erase it, and leave a signed receipt.')
      .option('--purge', 'erase without a grace period')
      .option('--why <reason>', 'one line for the record')
      .option('--yes', 'do not ask')
    examples(
      waitFlags(controlCommand(command)),
      'ringfence tenants delete acme --why "contract ended"',
      'ringfence tenants delete acme --purge --yes --wait',
    ).action(async (tenant: string, flags: Flags) => {
      const { client, format } = openControl(flags, console)
      const after = flags.purge === true ? 'now, without a grace period' : 'after the grace period'
      await confirm(console, flags, `This erases all data of ${tenant} ${after}.`, tenant)
      const query = { purge: flags.purge === true ? 'true' : 'false', why: flags.why }
      const change = { method: 'DELETE', path: pathOf('tenants', tenant), query } as const
      const workflow = await client.change(change, workflowSchema)
      await reportWorkflow(workflow, { client, console, ending, flags, format })
    })
  }
}
