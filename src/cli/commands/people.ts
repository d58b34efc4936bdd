import type { Command } from 'commander'
import type { z } from 'zod'
import { personSchema } from '../../control/api/schemas.ts'
import { OPERATOR_ROLES, type OperatorRole } from '../../control/operators/roles.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import {
  confirm,
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
  several,
} from '../control-command.ts'
import { type Columns, writeList, writeOne } from '../output.ts'

const columns: Columns<z.infer<typeof personSchema>> = (person) => ({
  subject: person.subject,
  email: person.email,
  name: person.display_name,
  roles: person.roles.join(' '),
  active: person.active ? 'yes' : 'no',
  created: person.created_at,
})

interface RoleFlags extends ControlFlags {
  readonly role: readonly string[]
}

/** People of the operators' realm, below `ringfence operators`. */
export function addPeople(operators: Command, console: Console): void {
  const roleFlag = `${OPERATOR_ROLES.join(', ')}; may be given several times`
  examples(
    controlCommand(operators.command('list').description('Everybody who works here.')),
    'ringfence operators list',
  ).action(async (flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    writeList(await client.list('/v1/people', personSchema), columns, format, console.out)
  })
  examples(
    controlCommand(operators.command('get <person>').description('One of them, by subject.')),
    'ringfence operators get 5f0c… -o yaml',
  ).action(async (person: string, flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    const found = await client.get(pathOf('people', person), personSchema)
    writeOne(found, columns, format, console.out)
  })
  const invite = operators
    .command('invite <email>')
    .description('Make an account, and mail a link by which its owner sets it up.')
    .requiredOption('--name <name>', 'what the person is called')
    .requiredOption('--role <role>', roleFlag, several)
  examples(
    controlCommand(invite),
    'ringfence operators invite jane@example.com --name "Jane" --role operator',
    'ringfence operators invite bob@example.com --name "Bob" --role approver',
  ).action(async (email: string, flags: RoleFlags & { name: string }) => {
    const { client, format } = openControl(flags, console)
    const body = { email, display_name: flags.name, roles: rolesOf(flags.role) }
    const made = await client.change({ method: 'POST', path: '/v1/people', body }, personSchema)
    writeOne(made, columns, format, console.out)
  })
  const setRole = operators
    .command('set-role <person>')
    .description('What somebody is from now on, in place of what it was.')
    .requiredOption('--role <role>', roleFlag, several)
  examples(
    controlCommand(setRole),
    'ringfence operators set-role 5f0c… --role viewer --role approver',
  ).action(async (person: string, flags: RoleFlags) => {
    const { client, format } = openControl(flags, console)
    const path = pathOf('people', person, 'roles')
    const body = { roles: rolesOf(flags.role) }
    writeOne(
      await client.change({ method: 'PUT', path, body }, personSchema),
      columns,
      format,
      console.out,
    )
  })
  const remove = operators
    .command('remove <person>')
    .description('End an account, and all that was issued to it, now.')
    .option('--yes', 'do not ask')
  examples(controlCommand(remove), 'ringfence operators remove 5f0c… --yes').action(
    async (person: string, flags: ControlFlags & { yes?: boolean }) => {
      const { client, format } = openControl(flags, console)
      await confirm(console, flags, `This ends the account ${person} for good.`, person)
      const path = pathOf('people', person)
      const gone = await client.change({ method: 'DELETE', path }, personSchema)
      writeOne(gone, columns, format, console.out)
    },
  )
}

/** @throws RingfenceError `invalid_argument` */
function rolesOf(names: readonly string[]): readonly OperatorRole[] {
  return [...new Set(names)].map((name) => {
    const role = OPERATOR_ROLES.find((one) => one === name)
    if (role !== undefined) return role
    throw new RingfenceError('invalid_argument', `--role is one of ${OPERATOR_ROLES.join(', ')}`)
  })
}
