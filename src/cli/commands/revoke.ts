import type { Command } from 'commander'
import { z } from 'zod'
import { REVOCABLE_KINDS } from '../../administration/realm.ts'
import { listedRevocationSchema } from '../../control/api/operations/revocations.ts'
import { revokedSchema } from '../../control/api/schemas.ts'
import type { Console } from '../console.ts'
import {
  confirm,
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { writeOne } from '../output.ts'
import { addRealmCommand, doneColumns, LIMIT } from '../realm-command.ts'

const WHAT: Readonly<Record<(typeof REVOCABLE_KINDS)[number], readonly [string, string]>> = {
  token: [' <jti>', 'Void one access token, by its jti.'],
  session: [' <sid>', 'End a session, by its id or the sid of a token, and all that came of it.'],
  user: [' <user>', 'Void all that a user was given until now, and end its sessions.'],
  client: [' <client>', 'Void all that a client was given until now.'],
  tenant: ['', 'Void all that a realm has issued until now, and end its sessions.'],
}
const WHY = ['--why <text>', 'the reason; it is recorded'] as const

/** `ringfence revoke`: what was issued is good no more, everywhere, within a second. */
export function addRevoke(program: Command, console: Console, _ending: Ending): void {
  const revoke = examples(
    program.command('revoke').description('Void what was issued until now, everywhere.'),
    'ringfence revoke user acme 5f0c… --why "laptop stolen"',
    'ringfence revoke tenant acme --why "signing key leaked"',
    'ringfence revoke everything --why "identity plane compromised"',
  )
  for (const kind of REVOCABLE_KINDS) {
    const [argument, description] = WHAT[kind]
    const example = `${kind} acme${argument === '' ? '' : ' 5f0c…'}`
    addRealmCommand(revoke, console, {
      usage: `${kind}${argument}`,
      description,
      required: [WHY],
      examples: [`ringfence revoke ${example} --why "laptop stolen"`],
      confirm: ([id], tenant) => [`This cannot be taken back: ${kind}.`, id ?? tenant],
      run: async (at, [id]) => {
        const why = at.text('why') ?? ''
        at.one(await at.realm.ask('revoke', { kind, id, why }), doneColumns)
      },
    })
  }
  const everything = revoke
    .command('everything')
    .description('Void every token and session of every realm. Needs a second person.')
    .requiredOption(...WHY)
    .option('--yes', 'do not ask')
  examples(
    controlCommand(everything),
    'ringfence revoke everything --why "identity plane compromised"',
  ).action(async (flags: ControlFlags & { why: string; yes?: boolean }) => {
    const { client, format } = openControl(flags, console)
    await confirm(console, flags, 'This signs everybody of every tenant out.', 'everything')
    const path = pathOf('revocations', 'everything')
    const change = { method: 'POST', path, body: { why: flags.why } } as const
    writeOne(await client.change(change, revokedSchema), doneColumns, format, console.out)
  })
  addRealmCommand(revoke, console, {
    usage: 'list',
    description: 'What was revoked in a realm, and still matters; the newest first.',
    options: [LIMIT],
    examples: ['ringfence revoke list acme'],
    run: async (at) => {
      const path = pathOf('tenants', at.realm.tenant, 'revocations')
      const all = await at.realm.control.list(path, listed, {}, at.most)
      at.list(all, (one) => ({ ...one }))
    },
  })
}

const listed: z.ZodType<z.output<typeof listedRevocationSchema>> = listedRevocationSchema
