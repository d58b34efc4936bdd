import type { Command } from 'commander'
import type { WireRole } from '../../administration/roles.ts'
import type { Console } from '../console.ts'
import { examples, several } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { addRealmCommand, doneColumns, LIMIT, type RealmAction } from '../realm-command.ts'

const columns: Columns<WireRole> = (role) => ({
  name: role.name,
  scopes: role.scopes.join(' '),
  includes: role.includes.join(' '),
  description: role.description,
})

const HOLDER = [
  ['--user <user>', 'whose'],
  ['--group <group>', 'or of which group'],
] as const
const PLACE = ['--place <place>', 'where, like ward/north; everywhere, when not given'] as const

/** `ringfence roles`: roles of a realm, and who has them where. */
export function addRoles(program: Command, console: Console, _ending: Ending): void {
  const roles = examples(
    program.command('roles').description('Roles of a tenant’s realm, and who has them where.'),
    'ringfence roles put acme nurse --scope read',
    'ringfence roles bind acme nurse --group 7c1d… --place ward/north',
    'ringfence roles bindings acme --user 5f0c…',
  )
  addRealmCommand(roles, console, {
    usage: 'list',
    description: 'The roles of a realm, by name.',
    options: [LIMIT],
    examples: ['ringfence roles list acme'],
    run: async (at) => at.list(await at.realm.list('listRoles', {}, at.most), columns),
  })
  addRealmCommand(roles, console, {
    usage: 'put <role>',
    description: 'Make a role, or replace what it says.',
    options: [
      ['--description <text>', 'what it is for'],
      ['--scope <scope>', 'a scope that it gives; may be given several times', several],
      ['--include <role>', 'a role that it brings; may be given several times', several],
    ],
    examples: ['ringfence roles put acme doctor --scope write --include nurse'],
    run: async (at, [role = '']) => {
      const input = {
        role,
        description: at.text('description'),
        scopes: at.all('scope'),
        includes: at.all('include'),
      }
      at.one(await at.realm.ask('putRole', input), columns)
    },
  })
  addRealmCommand(roles, console, {
    usage: 'remove <role>',
    description: 'Remove a role, and take it from all who have it.',
    examples: ['ringfence roles remove acme nurse --yes'],
    confirm: ([role = '']) => [`This takes the role ${role} from all who have it.`, role],
    run: async (at, [role = '']) => at.one(await at.realm.ask('removeRole', { role }), doneColumns),
  })
  addRealmCommand(roles, console, {
    usage: 'bindings',
    description: 'The roles that a user or a group has or is refused, and where.',
    options: [...HOLDER, LIMIT],
    examples: ['ringfence roles bindings acme --user 5f0c…'],
    run: async (at) =>
      at.list(await at.realm.list('listBindings', holderOf(at), at.most), (one) => ({ ...one })),
  })
  addRealmCommand(roles, console, {
    usage: 'bind <role>',
    description: 'Give a user or a group a role at a place, or withhold it there.',
    options: [...HOLDER, PLACE, ['--withhold', 'take it away there, whatever else gives it']],
    examples: [
      'ringfence roles bind acme nurse --user 5f0c…',
      'ringfence roles bind acme nurse --group 7c1d… --place ward/north --withhold',
    ],
    run: async (at, [role = '']) => {
      const effect = at.is('withhold') ? ('withhold' as const) : ('grant' as const)
      const input = { role, ...holderOf(at), place: at.text('place'), effect }
      at.one(await at.realm.ask('bindRole', input), (binding) => ({ ...binding }))
    },
  })
  addRealmCommand(roles, console, {
    usage: 'unbind <role>',
    description: 'Take back what was said of a role at a place.',
    options: [...HOLDER, PLACE],
    examples: ['ringfence roles unbind acme nurse --user 5f0c…'],
    run: async (at, [role = '']) => {
      const input = { role, ...holderOf(at), place: at.text('place') }
      at.one(await at.realm.ask('unbindRole', input), doneColumns)
    },
  })
}

function holderOf(at: RealmAction) {
  return { user: at.text('user'), group: at.text('group') }
}
