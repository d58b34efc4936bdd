import type { Command } from 'commander'
import { RingfenceError } from '../core/errors.ts'
import type { Console } from './console.ts'
import { type AccessFlags, controlAccess } from './control-access.ts'
import { ControlClient } from './control-client.ts'
import { STATE_DIRECTORY_DEFAULT } from './ending.ts'
import { type OutputFormat, parseFormat } from './output.ts'

export interface ControlFlags extends AccessFlags {
  readonly output: string
}

/** The flags of every command that asks the control plane. */
export function controlCommand(command: Command): Command {
  return command
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .option('--server <url>', 'the control plane (RINGFENCE_SERVER)')
    .option('--token <token>', 'an operator’s token, better env:NAME (RINGFENCE_TOKEN)')
    .option(
      '--state <directory>',
      'the state directory of a platform here',
      STATE_DIRECTORY_DEFAULT,
    )
}

/** What an action needs first. Misuse is found before anybody is asked. */
export function openControl(
  flags: ControlFlags,
  console: Console,
): { readonly client: ControlClient; readonly format: OutputFormat } {
  const format = parseFormat(flags.output)
  return { client: new ControlClient(controlAccess(flags, console)), format }
}

/** Examples below a command's help. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  const title = lines.length === 1 ? 'Example' : 'Examples'
  return command.addHelpText('after', `\n${title}:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** A step of a path. What could be read as two steps, or as a query, is encoded. */
export function pathOf(...steps: readonly string[]): string {
  if (steps.some((step) => step === '' || /^\.{1,2}$/.test(step))) {
    throw new RingfenceError('invalid_argument', 'a name is missing')
  }
  return `/v1/${steps.map(encodeURIComponent).join('/')}`
}

/** Reads a number flag. @throws RingfenceError `invalid_argument` */
export function wholeNumber(value: string | undefined, flag: string): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value)
  throw new RingfenceError('invalid_argument', `${flag} is a whole number above 0`)
}

/** Has the person at the terminal confirm; without a terminal the command line itself is the word. */
export async function confirm(
  console: Console,
  flags: { readonly yes?: boolean },
  what: string,
  word: string,
): Promise<void> {
  if (flags.yes === true || console.ask === undefined) return
  const answer = await console.ask(`${what}\nType ${word} to go on: `)
  if (answer.trim() !== word) {
    throw new RingfenceError('invalid_argument', 'not confirmed: nothing was changed')
  }
}

/** Collects a flag that may be given several times. */
export function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
