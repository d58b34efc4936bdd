import type { Command } from 'commander'
import type { WireUser } from '../../administration/users.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { addRealmCommand, doneColumns, LIMIT, type RealmAction } from '../realm-command.ts'

const columns: Columns<WireUser> = (user) => ({
  id: user.id,
  'user name': user.user_name,
  email: user.email,
  name: user.display_name,
  active: user.active ? 'yes' : 'no',
})
const details: Columns<WireUser> = (user) => ({
  ...columns(user),
  verified: user.email_verified ? 'yes' : 'no',
  'given name': user.given_name,
  'family name': user.family_name,
  'external id': user.external_id,
  created: user.created_at,
  changed: user.changed_at,
})

const FIELDS = [
  ['--user-name <name>', 'what the user types to sign in'],
  ['--email <address>', 'where mail goes, and what the user may sign in with once it is verified'],
  ['--name <text>', 'what people call the user'],
  ['--given-name <text>', 'the given name'],
  ['--family-name <text>', 'the family name'],
  ['--external-id <id>', 'what the source of provisioning calls the user'],
] as const

/** `ringfence users`: the users of a tenant's realm. */
export function addUsers(program: Command, console: Console, _ending: Ending): void {
  const users = examples(
    program.command('users').description('The users of a tenant’s realm.'),
    'ringfence users create acme --email ana@acme.example --name "Ana" --invite',
    'ringfence users list acme',
    'ringfence users reset acme 5f0c… --password',
  )
  addReading(users, console)
  addRealmCommand(users, console, {
    usage: 'create',
    description: 'Enter a user. With --invite a link is mailed by which a password is set.',
    options: [
      ['--id <id>', 'the sub of its tokens; random, when not given'],
      ...FIELDS,
      ['--email-verified', 'the address is known to be the user’s own'],
      ['--invite', 'mail an invitation'],
    ],
    examples: [
      'ringfence users create acme --email ana@acme.example --name "Ana" --invite',
      'ringfence users create acme --user-name bob -o json | jq -r .id',
    ],
    run: async (at) => {
      const verified = at.is('emailVerified') ? { email_verified: true } : {}
      const input = { id: at.text('id'), ...fieldsOf(at), ...verified }
      const user = await at.realm.ask('createUser', input)
      if (at.is('invite')) await at.realm.ask('inviteUser', { user: user.id })
      at.one(user, details)
    },
  })
  addRealmCommand(users, console, {
    usage: 'update <user>',
    description: 'Change what is said of a user. An empty value takes it away.',
    options: [...FIELDS, ['--active <yes|no>', 'no: no access from now on']],
    examples: [
      'ringfence users update acme 5f0c… --name "Ana A."',
      'ringfence users update acme 5f0c… --active no',
    ],
    run: async (at, [user = '']) => {
      const active = yesOrNo(at.text('active'))
      const change = { ...fieldsOf(at), ...(active === undefined ? {} : { active }) }
      if (Object.values(change).every((value) => value === undefined)) {
        throw new RingfenceError('invalid_argument', 'name what to change: see --help')
      }
      const { tag } = await at.realm.tagged('getUser', { user })
      at.one(await at.realm.ask('updateUser', { user, ...change }, tag), details)
    },
  })
  addRealmCommand(users, console, {
    usage: 'remove <user>',
    description: 'Remove a user, and end all of its access now.',
    examples: ['ringfence users remove acme 5f0c… --yes'],
    confirm: ([user = '']) => [`This removes the user ${user} for good.`, user],
    run: async (at, [user = '']) => at.one(await at.realm.ask('removeUser', { user }), doneColumns),
  })
  addRealmCommand(users, console, {
    usage: 'invite <user>',
    description: 'Mail a link, good for seven days, by which the user sets a password.',
    examples: ['ringfence users invite acme 5f0c…'],
    run: async (at, [user = '']) => at.one(await at.realm.ask('inviteUser', { user }), doneColumns),
  })
  addRealmCommand(users, console, {
    usage: 'reset <user>',
    description: 'Forget a password or second factors, and end all access.',
    options: [
      ['--password', 'forget the password, and mail a link by which to set another'],
      ['--factors', 'take every second factor away'],
    ],
    examples: [
      'ringfence users reset acme 5f0c… --password',
      'ringfence users reset acme 5f0c… --factors --yes',
    ],
    confirm: ([user = '']) => [`This ends all access of the user ${user}.`, user],
    run: async (at, [user = '']) => {
      if (!at.is('password') && !at.is('factors')) {
        throw new RingfenceError('invalid_argument', 'say what: --password, --factors or both')
      }
      const factors = at.is('factors')
        ? await at.realm.ask('resetUserFactors', { user })
        : undefined
      const password = at.is('password')
        ? await at.realm.ask('resetUserPassword', { user })
        : undefined
      at.one(password ?? factors ?? { at: '' }, doneColumns)
    },
  })
}

function addReading(users: Command, console: Console): void {
  addRealmCommand(users, console, {
    usage: 'list',
    description: 'The users of a realm, by id.',
    options: [
      ['--user-name <name>', 'only the one with this user name'],
      ['--email <address>', 'only those with this address'],
      ['--external-id <id>', 'only the one that the source calls so'],
      LIMIT,
    ],
    examples: ['ringfence users list acme', 'ringfence users list acme --email ana@acme.example'],
    run: async (at) => {
      const filter = {
        user_name: at.text('userName'),
        email: at.text('email'),
        external_id: at.text('externalId'),
      }
      at.list(await at.realm.list('listUsers', filter, at.most), columns)
    },
  })
  addRealmCommand(users, console, {
    usage: 'get <user>',
    description: 'One user in full.',
    examples: ['ringfence users get acme 5f0c… -o yaml'],
    run: async (at, [user = '']) => at.one(await at.realm.ask('getUser', { user }), details),
  })
  addRealmCommand(users, console, {
    usage: 'authority <user>',
    description: 'What a user may at this moment, from groups, roles and overrides.',
    examples: ['ringfence users authority acme 5f0c…'],
    run: async (at, [user = '']) =>
      at.one(await at.realm.ask('getUserAuthority', { user }), (authority) => ({
        roles: authority.roles.join(' '),
        scopes: authority.scopes.join(' '),
        placed: authority.placed_roles.join(' '),
      })),
  })
}

/** Empty is taken away, where that can be. */
function fieldsOf(at: RealmAction) {
  const said = (name: string) => {
    const value = at.text(name)
    return value === '' ? null : value
  }
  return {
    user_name: said('userName'),
    email: said('email'),
    display_name: said('name'),
    given_name: said('givenName'),
    family_name: said('familyName'),
    external_id: said('externalId'),
  } as Record<string, string | undefined>
}

function yesOrNo(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined
  if (value === 'yes' || value === 'no') return value === 'yes'
  throw new RingfenceError('invalid_argument', '--active is yes or no')
}
