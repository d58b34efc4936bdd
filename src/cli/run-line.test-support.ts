import { runCommandLine } from './program.ts'

/** What a command line ended with, and what it said. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line as a program would: no terminal, and an environment of these variables alone. */
export async function runLine(
  line: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  let [out, err] = ['', '']
  const code = await runCommandLine(line, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    ...{ isTty: false, width: 100, environment },
  })
  return { code, out, err }
}
