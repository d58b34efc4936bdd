import type { Command } from 'commander'

/** What may follow a command, by the words that lead to it: `''`, `tenants`, `tenants create`. */
export interface CompletionEntry {
  readonly path: string
  readonly words: readonly string[]
  /** Those of the flags that a value follows. */
  readonly valued: readonly string[]
}

/** Every command of a program, with its subcommands and its long flags. */
export function completionEntries(
  command: Command,
  path: readonly string[] = [],
): readonly CompletionEntry[] {
  const subcommands = command.commands.map((one) => one.name())
  const flags = command.options.flatMap(({ long, required, optional }) =>
    long === undefined ? [] : [{ long, valued: required || optional }],
  )
  return [
    {
      path: path.join(' '),
      words: [...subcommands, ...flags.map(({ long }) => long), '--help'],
      valued: flags.filter(({ valued }) => valued).map(({ long }) => long),
    },
    ...command.commands.flatMap((one) => completionEntries(one, [...path, one.name()])),
  ]
}
