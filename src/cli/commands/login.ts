import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import { callerSchema, signInSchema, type WireCaller } from '../../control/api/schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import { call } from '../../http/call.ts'
import type { Console } from '../console.ts'
import { type AccessFlags, controlServer } from '../control-access.ts'
import { ControlClient } from '../control-client.ts'
import { type ControlFlags, controlCommand, examples, openControl } from '../control-command.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'
import { LoginsFile } from '../login/logins-file.ts'
import { type Place, type Shows, signInByBrowser, signInByCode, signOut } from '../login/sign-in.ts'
import { type Columns, writeOne } from '../output.ts'

const columns: Columns<WireCaller> = (caller) => ({
  name: caller.name,
  person: caller.person,
  roles: caller.roles.join(' '),
  scopes: caller.scopes.join(' '),
  'two factors': caller.two_factors === null ? null : caller.two_factors ? 'yes' : 'no',
})

/** `ringfence login`, `logout`, `whoami`: a person in place of a token. */
export function addLogin(program: Command, console: Console, _ending: Ending): void {
  const login = program
    .command('login')
    .description('Sign in at the operators’ realm. Commands then act in your name.')
    .option('--device', 'with a browser on another machine, by a code')
    .option('--no-browser', 'write the address, and do not open a browser')
  examples(
    where(login),
    'ringfence login',
    'ringfence login --device --server https://control.example',
  ).action(async (flags: AccessFlags & { device?: boolean; browser: boolean }) => {
    const server = controlServer(flags, console)
    const file = fileOf(console)
    const place = await placeOf(server)
    const shows = showsAt(console, flags.browser)
    const signIn = flags.device === true ? signInByCode : signInByBrowser
    const done = await signIn(place, shows)
    // What the control plane makes of it, before it is kept.
    const client = new ControlClient({ server, token: done.accessToken })
    const caller = await client.get('/v1/caller', callerSchema)
    await file.alone(async () => file.write(server, done))
    console.out(
      `signed in as ${caller.person ?? caller.name}: ${caller.roles.join(', ') || 'no role'}\n`,
    )
  })
  examples(
    where(program.command('logout').description('End the sign-in, here and at the realm.')),
    'ringfence logout',
  ).action(async (flags: AccessFlags) => {
    const server = controlServer(flags, console)
    const file = fileOf(console)
    const known = file.read(server)
    if (known === undefined) {
      console.out('nobody was signed in\n')
      return
    }
    // Forgotten here whatever the realm says.
    await file.alone(async () => file.write(server, undefined))
    await signOut(known)
    console.out('signed out\n')
  })
  examples(
    controlCommand(
      program.command('whoami').description('Who commands act as, and what it may do.'),
    ),
    'ringfence whoami',
    'ringfence whoami -o json',
  ).action(async (flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    writeOne(await client.get('/v1/caller', callerSchema), columns, format, console.out)
  })
}

function where(command: Command): Command {
  return command
    .option('--server <url>', 'the control plane (RINGFENCE_SERVER)')
    .option(
      '--state <directory>',
      'the state directory of a platform here',
      STATE_DIRECTORY_DEFAULT,
    )
}

function fileOf(console: Console): LoginsFile {
  const file = LoginsFile.of(console)
  if (file !== undefined) return file
  throw new RingfenceError(
    'invalid_argument',
    'there is no place to keep a sign-in: set RINGFENCE_CONFIG_DIR or HOME',
  )
}

async function placeOf(server: string): Promise<Place> {
  const answer = await call(server, { method: 'GET', path: '/v1/sign-in' })
  const read = answer.status === 200 ? signInSchema.safeParse(jsonIn(answer.text)) : undefined
  if (read?.success === true) return read.data
  throw new RingfenceError(
    answer.status >= 500 ? 'engine_unavailable' : 'invalid_url',
    `the control plane does not say where to sign in (status ${answer.status})`,
  )
}

function showsAt(console: Console, browser: boolean): Shows {
  return {
    open(url) {
      console.err(`Sign in at\n  ${url}\n`)
      if (browser && console.isTty) openBrowser(url)
    },
    code(url, code) {
      console.err(`Open\n  ${url}\nand see that the code there is\n  ${code}\n`)
    },
  }
}

/** Where there is none, the address on the terminal is enough. */
function openBrowser(url: string): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(program, [url], { stdio: 'ignore', detached: true })
  child.once('error', () => undefined)
  child.unref()
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
