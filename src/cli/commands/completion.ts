import { Argument, type Command } from 'commander'
import { type CompletionEntry, completionEntries } from '../completion-entries.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'

const SHELLS = { bash, zsh, fish } as const

/** `ringfence completion`: a script for a shell, made from the commands themselves. */
export function addCompletion(program: Command, console: Console, _ending: Ending): void {
  examples(
    program
      .command('completion')
      .description('Write a shell’s completion script to standard output.')
      .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(SHELLS))),
    'source <(ringfence completion bash)',
    'ringfence completion zsh > "${fpath[1]}/_ringfence"',
    'ringfence completion fish > ~/.config/fish/completions/ringfence.fish',
  ).action((shell: keyof typeof SHELLS) => console.out(SHELLS[shell](completionEntries(program))))
}

/** Cases of a shell's `case "$path" in`. Names of commands and flags need no quoting inside quotes. */
function cases(entries: readonly CompletionEntry[], line: (words: string) => string): string {
  return entries.map(({ path, words }) => `    "${path}") ${line(words.join(' '))} ;;`).join('\n')
}

/** Names that lead somewhere, so that arguments and flags between them are passed over. */
function known(entries: readonly CompletionEntry[]): string {
  const paths = entries.flatMap(({ path }) => (path === '' ? [] : [`"${path}"`]))
  return paths.join('|')
}

function bash(entries: readonly CompletionEntry[]): string {
  return `# bash completion of ringfence
_ringfence() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
    ${known(entries)}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases(entries, (words) => `words="${words}"`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _ringfence ringfence
`
}

function zsh(entries: readonly CompletionEntry[]): string {
  return `#compdef ringfence
_ringfence() {
  local path_="" word
  for word in "\${words[@]:1:$((CURRENT-2))}"; do
    case "\${path_:+$path_ }$word" in
    ${known(entries)}) path_="\${path_:+$path_ }$word" ;;
    esac
  done
  case "$path_" in
${cases(entries, (words) => `compadd -- ${words}`)}
  esac
  _files
}
# Found in fpath, this file is the function; sourced, it announces it.
if [ "\${funcstack[1]}" = "_ringfence" ]; then
  _ringfence "$@"
else
  compdef _ringfence ringfence
fi
`
}

function fish(entries: readonly CompletionEntry[]): string {
  const paths = entries.flatMap(({ path }) => (path === '' ? [] : [`"${path}"`])).join(' ')
  const lines = entries.flatMap(({ path, words, valued }) => {
    const here = `complete -c ringfence -n '__ringfence_at "${path}"'`
    const isFlag = (word: string) => word.startsWith('--')
    // Where a value follows it may be a file; nowhere else do files belong.
    const value = (flag: string) => (valued.includes(flag) ? ' -r -F' : '')
    return [
      `${here} -a '${words.filter((word) => !isFlag(word)).join(' ')}'`,
      ...words.filter(isFlag).map((flag) => `${here} -l ${flag.slice(2)}${value(flag)}`),
    ]
  })
  return `# fish completion of ringfence
function __ringfence_at
    set -l path
    for word in (commandline -opc)[2..]
        set -l longer (string join -- ' ' $path $word)
        if contains -- "$longer" ${paths}
            set path $longer
        end
    end
    test "$path" = "$argv[1]"
end
complete -c ringfence -f
${lines.join('\n')}
`
}
