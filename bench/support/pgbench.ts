import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type pg from 'pg'
import { findDistributionBinaries } from '../../src/clusters/server-binaries.ts'

/** PostgreSQL's own load generator, where the system has one. */
export function findPgbench(): string | undefined {
  const folders = [
    ...findDistributionBinaries().map(({ binaries }) => binaries),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ]
  return folders.map((folder) => join(folder, 'pgbench')).find((path) => existsSync(path))
}

export interface PgbenchOptions {
  readonly pgbench: string
  /** With or without prepared statements. */
  readonly protocol: 'prepared' | 'extended'
  readonly directory: string
  readonly login: pg.ClientConfig
  readonly script: string
  readonly variables: Readonly<Record<string, string>>
  readonly clients: number
  /** Of each client. */
  readonly transactions: number
}

/** Runs a script and returns each transaction's latency in microseconds. */
export async function runPgbench(options: PgbenchOptions): Promise<readonly number[]> {
  const { host, port, user, database, password } = options.login
  const directory = await mkdtemp(join(options.directory, 'pgbench-'))
  try {
    await writeFile(join(directory, 'script.sql'), options.script)
    const variables = Object.entries(options.variables).flatMap(([k, v]) => ['-D', `${k}=${v}`])
    const counts = ['-c', String(options.clients), '-t', String(options.transactions)]
    const server = ['-h', String(host), '-p', String(port), '-U', String(user), String(database)]
    const log = ['-l', '--log-prefix=latency']
    await run(
      options.pgbench,
      [
        '-n',
        '-M',
        options.protocol,
        '-f',
        'script.sql',
        ...log,
        ...variables,
        ...counts,
        ...server,
      ],
      {
        cwd: directory,
        env: { PATH: process.env['PATH'], PGPASSWORD: String(password) },
      },
    )
    const logs = (await readdir(directory)).filter((name) => name.startsWith('latency'))
    const texts = await Promise.all(logs.map((name) => readFile(join(directory, name), 'utf8')))
    return texts.flatMap((text) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => Number(line.split(' ')[2])),
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`pgbench ended with ${code}: ${said.trim().split('\n').at(-1)}`))
    })
  })
}
