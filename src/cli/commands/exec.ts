import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { type BorrowedLease, borrowLease } from '../borrow-lease.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { type LeaseFlags, leaseCommand, readLeaseFlags } from '../lease-flags.ts'
import { writeLibpqFiles } from '../libpq-files.ts'

/** Runs a program with a tenant's credential, for as long as the lease lives. */
export function addExec(program: Command, console: Console, ending: Ending): void {
  const exec = program
    .command('exec')
    .argument('<command...>', 'the program and its arguments, after --')
    .description(
      'Run a program as one tenant, with support access: libpq finds a short-lived credential.',
    )
    .option(
      '--tenant <tenant>',
      'on whose data; asks for access to it, and gives it back at the end',
    )
    // What follows the program's name is the program's.
    .passThroughOptions()
  examples(
    leaseCommand(exec),
    'ringfence exec --support support-4711 -- psql',
    'ringfence exec --tenant acme --reason "ticket 4711" -- psql',
    'ringfence exec --tenant acme --scope write --reason "mend a typo" -- psql -f mend.sql',
  ).action(async (command: string[], flags: LeaseFlags & { tenant?: string }) => {
    const lease = await borrowLease(readLeaseFlags(flags, flags.tenant), flags, console)
    try {
      ending.exitCode = await runWith(lease, command, console)
    } finally {
      await lease.giveBack().catch((error: unknown) => {
        // It ends by itself, and what the program did is done.
        console.err(`ringfence: the access was not given back: ${messageOf(error)}\n`)
      })
    }
  })
}

async function runWith(
  lease: BorrowedLease,
  command: readonly string[],
  console: Console,
): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'ringfence-exec-'))
  try {
    const { host, port, database, user } = lease.credential
    const { serviceFile, passFile } = await writeLibpqFiles(
      directory,
      lease.tenant,
      lease.credential,
    )
    return await run(command, {
      ...console.environment,
      PGHOST: host,
      PGPORT: String(port),
      PGDATABASE: database,
      PGUSER: user,
      PGPASSFILE: passFile,
      PGSERVICEFILE: serviceFile,
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The program's exit code, or as a shell gives it for one that a signal ended. */
function run([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'inherit' })
    // The terminal tells the program itself; it decides whether to end.
    const ignore = () => undefined
    process.on('SIGINT', ignore)
    const pass = () => child.kill('SIGTERM')
    process.on('SIGTERM', pass)
    const done = () => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', pass)
    }
    child.once('error', (error) => {
      done()
      reject(
        new RingfenceError('invalid_argument', `${program} cannot be run: ${messageOf(error)}`),
      )
    })
    child.once('exit', (code, signal) => {
      done()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
