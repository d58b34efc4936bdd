import type { Command } from 'commander'
import type { WireWorkflow, WireWorkflowEvent } from '../control/api/schemas.ts'
import type { Console } from './console.ts'
import type { ControlClient } from './control-client.ts'
import { wholeNumber } from './control-command.ts'
import type { Ending } from './ending.ts'
import { type Columns, type OutputFormat, writeOne } from './output.ts'

export interface WaitFlags {
  readonly wait?: boolean
  readonly timeout?: string
}

export function waitFlags(command: Command): Command {
  return command
    .option('--wait', 'follow the workflow to its end; exit with 1 if it fails')
    .option('--timeout <seconds>', 'give up waiting after so long; the workflow goes on')
}

export const workflowColumns: Columns<WireWorkflow> = (workflow) => ({
  id: workflow.id,
  kind: workflow.kind,
  tenant: workflow.tenant,
  state: workflow.state,
  step: workflow.step,
  by: workflow.by,
  started: workflow.started_at,
  ended: workflow.ended_at,
  error: workflow.error,
})

/** Writes what began; with `--wait` what came of it, with progress on standard error meanwhile. */
export async function reportWorkflow(
  started: WireWorkflow,
  context: {
    readonly client: ControlClient
    readonly console: Console
    readonly ending: Ending
    readonly flags: WaitFlags
    readonly format: OutputFormat
    /** States in which it may end well. Default: succeeded. */
    readonly good?: readonly WireWorkflow['state'][]
  },
): Promise<void> {
  const { client, console, ending, flags, format, good = ['succeeded'] } = context
  const view =
    flags.wait === true ? await followWorkflow(client, started.id, console, flags) : started
  writeOne(view, workflowColumns, format, console.out)
  const over = view.ended_at !== null
  if (over && !good.includes(view.state)) ending.exitCode = 1
}

/** Follows a workflow to its end. @throws RingfenceError `timed_out` */
export async function followWorkflow(
  client: ControlClient,
  id: string,
  console: Console,
  flags: Pick<WaitFlags, 'timeout'>,
): Promise<WireWorkflow> {
  const seconds = wholeNumber(flags.timeout, '--timeout')
  const signal = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000)
  const events = client.follow(id, 0, signal)
  for (;;) {
    const { done, value } = await events.next()
    if (done === true) return value
    console.err(progressLine(value))
  }
}

function progressLine({ at, step, state, note }: WireWorkflowEvent): string {
  const text = `${at.slice(11, 19)}  ${step.padEnd(16)} ${state.padEnd(9)} ${note ?? ''}`
  return `${text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\ufffd').trimEnd()}\n`
}
