import { spawn } from 'node:child_process'
import { guardChild } from './orphan-guard.ts'
import type { ServerUser } from './server-user.ts'

export interface ToolResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The whole environment of everything that is started here: nothing of ours leaks into it. */
export const TOOL_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

/**
 * Runs one of PostgreSQL's programs to its end as the given user. `input` goes to its standard
 * input, which is where a secret belongs. Throws the system's error when it cannot be started.
 */
export function runTool(
  command: string,
  args: readonly string[],
  user: ServerUser,
  input = '',
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...user.spawn,
      cwd: '/',
      env: TOOL_ENVIRONMENT,
      detached: true,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    child.stdin.on('error', () => undefined) // It may end without reading; its exit code tells.
    child.stdin.end(input)
    child.once('error', reject)
    child.once('spawn', () => guardChild(child))
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
