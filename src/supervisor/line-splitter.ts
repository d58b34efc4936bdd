import type { Readable } from 'node:stream'

const LINE_CHARACTERS_MAX = 8_192
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g // oxlint-disable-line no-control-regex

/**
 * Calls `take` for each line of a stream, cut at 8192 characters. Control characters are shown, not
 * passed on: a program's output, and what strangers made it print, must not command a terminal.
 */
export function splitLines(stream: Readable, take: (line: string) => void): void {
  let rest = ''
  const flush = (line: string): void => {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    take(
      text.replace(
        CONTROL,
        (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
      ),
    )
  }
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) flush(line.slice(0, LINE_CHARACTERS_MAX))
    while (rest.length > LINE_CHARACTERS_MAX) {
      flush(rest.slice(0, LINE_CHARACTERS_MAX))
      rest = rest.slice(LINE_CHARACTERS_MAX)
    }
  })
  stream.on('end', () => {
    if (rest !== '') flush(rest)
    rest = ''
  })
}
