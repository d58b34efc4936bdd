import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { buildProgram } from './program.ts'

/** The program, which takes command lines and does nothing. */
function idleProgram(out: (text: string) => void): Command {
  const program = buildProgram(
    { out, err: out, isTty: false, width: 200, environment: {} },
    { exitCode: 0 },
  )
  for (const command of leavesOf(program)) command.action(() => undefined)
  return program
}

/** All commands that are run, none that only hold others. */
function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

const everyCommand = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
]

/** The arguments of every call of `ringfence` in lines for a shell. */
function callsIn(text: string): readonly (readonly string[])[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ')
  return [...joined.matchAll(/(?:^|[\s(])ringfence (?=\S)/gm)].map(({ index, 0: before }) =>
    wordsOf(joined.slice(index + before.length)),
  )
}

/** What comes after two spaces says what the command is for; `<person>` stands for a word. */
const WORD = /^ ?((?:<[a-z-]+>|'[^']*'|"[^"]*"|\$\([^)]*\)|[^\s'"|>&;()#]|(?<=\S)#)+)/

/** Words as a shell reads them, up to the end of the command. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = []
  for (let rest = text; ; ) {
    const [all = '', word] = WORD.exec(rest) ?? []
    if (word === undefined) return words
    words.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'))
    rest = rest.slice(all.length)
  }
}

/** The command lines in the texts that the program does not take, with what it says of each. */
async function refusedIn(texts: readonly string[]): Promise<readonly string[]> {
  const calls = new Map(texts.flatMap(callsIn).map((args) => [args.join('\n'), args]))
  assert.ok(calls.size > 50, 'command lines were found')
  let said = ''
  const program = idleProgram((text) => (said = text))
  const refused: string[] = []
  for (const args of calls.values()) {
    try {
      await program.parseAsync([...args], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      if (error.exitCode !== 0) refused.push(`ringfence ${args.join(' ')}: ${said.trim()}`)
    }
  }
  return refused
}

test('each command line that a help text shows is one that is taken', async () => {
  let text = ''
  const program = idleProgram((more) => (text += more))
  const examples = everyCommand(program).map((command) => {
    text = ''
    command.outputHelp()
    return text.split(/\nExamples?:\n/)[1] ?? ''
  })
  assert.deepEqual(await refusedIn(examples), [])
})

test('each command line that the documentation shows is one that is taken', async () => {
  const root = new URL('../../', import.meta.url)
  const pages = readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => new URL(`docs/${name}`, root))
  const texts = [...pages, new URL('README.md', root)].flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/```sh\n(.*?)```/gs)].map(([, lines = '']) => lines),
  )
  assert.deepEqual(await refusedIn(texts), [])
})
