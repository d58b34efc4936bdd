import type { Command } from 'commander'
import type { WireGroup } from '../../administration/groups.ts'
import type { Console } from '../console.ts'
import { examples, several } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { addRealmCommand, doneColumns, LIMIT } from '../realm-command.ts'

const summary: Columns<Omit<WireGroup, 'members'>> = (group) => ({
  id: group.id,
  name: group.display_name,
  'external id': group.external_id,
  changed: group.changed_at,
})
const details: Columns<WireGroup> = (group) => ({
  ...summary(group),
  members: group.members.join(' '),
})

/** `ringfence groups`: groups of users of a realm. */
export function addGroups(program: Command, console: Console, _ending: Ending): void {
  const groups = examples(
    program.command('groups').description('Groups of users of a tenant’s realm.'),
    'ringfence groups create acme "Ward 1"',
    'ringfence groups add acme 7c1d… 5f0c…',
  )
  addRealmCommand(groups, console, {
    usage: 'list',
    description: 'The groups of a realm, by id.',
    options: [
      ['--name <text>', 'only those of this name'],
      ['--member <user>', 'only those that this user is in'],
      LIMIT,
    ],
    examples: ['ringfence groups list acme --member 5f0c…'],
    run: async (at) => {
      const filter = { display_name: at.text('name'), member: at.text('member') }
      at.list(await at.realm.list('listGroups', filter, at.most), summary)
    },
  })
  addRealmCommand(groups, console, {
    usage: 'get <group>',
    description: 'One group, with its members.',
    examples: ['ringfence groups get acme 7c1d… -o json | jq -r ".members[]"'],
    run: async (at, [group = '']) => at.one(await at.realm.ask('getGroup', { group }), details),
  })
  addRealmCommand(groups, console, {
    usage: 'create <name>',
    description: 'Make a group.',
    options: [
      ['--external-id <id>', 'what the source of provisioning calls it'],
      ['--member <user>', 'a user in it; may be given several times', several],
    ],
    examples: ['ringfence groups create acme "Ward 1" --member 5f0c…'],
    run: async (at, [display_name = '']) => {
      const input = {
        display_name,
        external_id: at.text('externalId'),
        members: at.all('member'),
      }
      at.one(await at.realm.ask('createGroup', input), details)
    },
  })
  addRealmCommand(groups, console, {
    usage: 'update <group>',
    description: 'Change what a group is called.',
    required: [['--name <text>', 'the new name']],
    examples: ['ringfence groups update acme 7c1d… --name "Ward 2"'],
    run: async (at, [group = '']) => {
      const { tag } = await at.realm.tagged('getGroup', { group })
      const change = { group, display_name: at.text('name') }
      at.one(await at.realm.ask('updateGroup', change, tag), details)
    },
  })
  addRealmCommand(groups, console, {
    usage: 'remove <group>',
    description: 'Remove a group. Its members stay; what it gave them is gone.',
    examples: ['ringfence groups remove acme 7c1d… --yes'],
    confirm: ([group = '']) => [`This removes the group ${group} for good.`, group],
    run: async (at, [group = '']) =>
      at.one(await at.realm.ask('removeGroup', { group }), doneColumns),
  })
  for (const [usage, name, description] of [
    ['add', 'addGroupMember', 'Put a user into a group.'],
    ['drop', 'removeGroupMember', 'Take a user out of a group.'],
  ] as const) {
    addRealmCommand(groups, console, {
      usage: `${usage} <group> <user>`,
      description,
      examples: [`ringfence groups ${usage} acme 7c1d… 5f0c…`],
      run: async (at, [group = '', user = '']) =>
        at.one(await at.realm.ask(name, { group, user }), details),
    })
  }
}
