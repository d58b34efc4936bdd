import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type JournalLine, readLine } from './journal-line.ts'

/** Every line of a journal, each of which must be one. */
export function linesOf(directory: string): readonly JournalLine[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith('journal-'))
    .sort()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((text) => text !== '')
    .map((text) => {
      const line = readLine(text)
      if (line === undefined) throw new Error(`no line of ours: ${text}`)
      return line
    })
}
