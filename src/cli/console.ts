import { createInterface } from 'node:readline/promises'

/** What a command writes to, so that tests can read it. */
export interface Console {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly isTty: boolean
  readonly width: number
  readonly environment: NodeJS.ProcessEnv
  /** Asks the person at the terminal; absent when there is none to ask. */
  readonly ask?: (question: string) => Promise<string>
}

export const PROCESS_CONSOLE: Console = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTty: process.stderr.isTTY,
  width: process.stdout.columns ?? 100,
  environment: process.env,
  ...(process.stdin.isTTY && process.stderr.isTTY ? { ask: askAtTerminal } : {}),
}

async function askAtTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question)
  } finally {
    terminal.close()
  }
}

/** Standard error as the proof's progress line wants it. */
export function terminalOf(console: Console): {
  readonly isTTY: boolean
  readonly columns: number
  write(text: string): void
} {
  return { isTTY: console.isTty, columns: console.width, write: (text) => console.err(text) }
}
