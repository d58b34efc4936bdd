import type { Command } from 'commander'
import type { WireSession } from '../../administration/sessions.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { addRealmCommand, doneColumns, LIMIT } from '../realm-command.ts'

const columns: Columns<WireSession> = (session) => ({
  id: session.id,
  user: session.user,
  device: session.device,
  address: session.address,
  'signed in': session.signed_in_at,
  seen: session.seen_at,
  clients: session.clients.map(({ client }) => client).join(' '),
})

const OF = [
  ['--user <user>', 'of a user'],
  ['--client <client>', 'of a client'],
  ['--device <device>', 'on a device, as "ringfence sessions list" names it'],
] as const

/** `ringfence sessions`: browsers in which users are signed in. */
export function addSessions(program: Command, console: Console, _ending: Ending): void {
  const sessions = examples(
    program.command('sessions').description('Browsers in which users of a realm are signed in.'),
    'ringfence sessions list acme --user 5f0c…',
    'ringfence sessions end acme --user 5f0c… --device "Firefox on Linux"',
  )
  addRealmCommand(sessions, console, {
    usage: 'list',
    description: 'Sessions, the last signed in first.',
    options: [...OF, LIMIT],
    examples: ['ringfence sessions list acme --user 5f0c…'],
    run: async (at) => {
      const filter = {
        user: at.text('user'),
        client: at.text('client'),
        device: at.text('device'),
      }
      at.list(await at.realm.list('listSessions', filter, at.most), columns)
    },
  })
  addRealmCommand(sessions, console, {
    usage: 'end [session]',
    description: 'End a session, or all of a user, a client or the realm, and what came of them.',
    options: [...OF, ['--all', 'of the whole realm']],
    examples: [
      'ringfence sessions end acme 0b9c… --yes',
      'ringfence sessions end acme --user 5f0c…',
      'ringfence sessions end acme --all',
    ],
    confirm: ([session], tenant) => [`This signs users of ${tenant} out.`, session ?? tenant],
    run: async (at, [session]) => {
      const [user, client, device] = [at.text('user'), at.text('client'), at.text('device')]
      const many = user !== undefined || client !== undefined || at.is('all')
      if ((session !== undefined) === many) {
        throw new RingfenceError(
          'invalid_argument',
          'name a session, or one of --user, --client and --all',
        )
      }
      if (!many) {
        const ended = await at.realm.ask('endSession', { session: session ?? '' })
        return at.one(ended, doneColumns)
      }
      const all = at.is('all') ? { all: 'true' as const } : {}
      const ended = await at.realm.ask('endSessions', { user, client, device, ...all })
      at.one(ended, ({ sessions: counted, ...rest }) => ({
        ...doneColumns(rest),
        sessions: counted,
      }))
    },
  })
}
