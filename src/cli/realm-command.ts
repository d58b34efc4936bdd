import type { Command } from 'commander'
import type { Console } from './console.ts'
import {
  confirm,
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  wholeNumber,
} from './control-command.ts'
import { type Columns, type OutputFormat, writeList, writeOne } from './output.ts'
import { RealmClient } from './realm-client.ts'

export type Flags = ControlFlags & Readonly<Record<string, unknown>>
type Collect = (value: string, before?: readonly string[]) => readonly string[]

/** A command that is about one tenant's realm. */
export interface RealmCommand {
  /** `list`, and the arguments after the tenant: `<user>`. */
  readonly usage: string
  readonly description: string
  readonly examples: readonly string[]
  readonly options?: readonly (readonly [flag: string, text: string, collect?: Collect])[]
  readonly required?: readonly (readonly [flag: string, text: string, collect?: Collect])[]
  /** What is lost for good: asked for at a terminal, by this word. */
  readonly confirm?: (args: readonly string[], tenant: string) => readonly [string, string]
  readonly run: (at: RealmAction, args: readonly string[]) => Promise<void>
}

/** What a command has to work with. */
export class RealmAction {
  readonly realm: RealmClient
  readonly flags: Flags
  readonly console: Console
  readonly #format: OutputFormat

  constructor(realm: RealmClient, flags: Flags, console: Console, format: OutputFormat) {
    this.realm = realm
    this.flags = flags
    this.console = console
    this.#format = format
  }

  /** A flag that takes a value. */
  text(name: string): string | undefined {
    const value = this.flags[name]
    return typeof value === 'string' ? value : undefined
  }

  /** A flag that may be given several times. */
  all(name: string): string[] | undefined {
    const value = this.flags[name]
    return Array.isArray(value) ? value.map(String) : undefined
  }

  /** A flag without a value. */
  is(name: string): boolean {
    return this.flags[name] === true
  }

  get most(): number | undefined {
    return wholeNumber(this.text('limit'), '--limit')
  }

  list<T>(items: readonly T[], columns: Columns<T>): void {
    writeList(items, columns, this.#format, this.console.out)
  }

  one<T>(item: T, columns: Columns<T>): void {
    writeOne(item, columns, this.#format, this.console.out)
  }
}

export const LIMIT = ['--limit <n>', 'at most so many'] as const

export function addRealmCommand(group: Command, console: Console, what: RealmCommand): void {
  const [name = '', ...args] = what.usage.split(' ')
  const command = group.command([name, '<tenant>', ...args].join(' ')).description(what.description)
  for (const [flag, text, collect] of what.options ?? []) {
    if (collect === undefined) command.option(flag, text)
    else command.option(flag, text, collect)
  }
  for (const [flag, text, collect] of what.required ?? []) {
    if (collect === undefined) command.requiredOption(flag, text)
    else command.requiredOption(flag, text, collect)
  }
  if (what.confirm !== undefined) command.option('--yes', 'do not ask')
  examples(controlCommand(command), ...what.examples).action(async (...given: unknown[]) => {
    // Commander gives the arguments, the flags, and the command itself.
    const flags = given.at(-2) as Flags
    const said = given
      .slice(0, -2)
      .flat()
      .filter((one) => one !== undefined)
    const [tenant = '', ...rest] = said.map(String)
    const { client, format } = openControl(flags, console)
    if (what.confirm !== undefined) {
      const [warning, word] = what.confirm(rest, tenant)
      await confirm(console, { yes: flags['yes'] === true }, warning, word)
    }
    await what.run(new RealmAction(new RealmClient(client, tenant), flags, console, format), rest)
  })
}

/** For what answers no more than that it is done. */
export const doneColumns = ({ at }: { readonly at: string }) => ({ done: at })
