import type { Command } from 'commander'
import { SCOPES } from '../../core/lease.ts'
import { parseSubject } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { tryToken } from '../../platform/try-token.ts'
import type { Console } from '../console.ts'
import { examples, several, wholeNumber } from '../control-command.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'

const USER = 'tester'

interface Flags {
  readonly user: string
  readonly scope?: readonly string[]
  readonly role?: readonly string[]
  readonly seconds?: string
  readonly state: string
}

/** An access token of a tenant's realm, for trying the front door. */
export function addToken(program: Command, console: Console, _ending: Ending): void {
  const token = program
    .command('token <tenant>')
    .description('An access token of the tenant’s realm, for trying things on a platform here.')
    .option('--user <subject>', 'whose; entered in the realm if it is not there', USER)
    .option('--scope <scope>', 'may be given several times; default read and write', several)
    .option('--role <role>', 'may be given several times', several)
    .option('--seconds <n>', 'how long it is good for (300, at most 900)')
    .option('--state <directory>', 'the platform’s state directory', STATE_DIRECTORY_DEFAULT)
  examples(
    token,
    'curl -H "Authorization: Bearer $(ringfence token acme)" http://127.0.0.1:4180/t/acme/appointments',
    'ringfence token acme --user alice --scope read --role nurse',
  ).action(async (name: string, flags: Flags) => {
    const seconds = wholeNumber(flags.seconds, '--seconds')
    const text = await tryToken(flags.state, parseTenantId(name), {
      subject: parseSubject(flags.user),
      scopes: flags.scope ?? SCOPES,
      roles: flags.role ?? [],
      ...(seconds === undefined ? {} : { seconds }),
    })
    console.out(`${text}\n`)
  })
}
