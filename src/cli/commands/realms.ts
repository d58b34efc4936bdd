import type { Command } from 'commander'
import { stringify } from 'yaml'
import type { WireRealm } from '../../administration/realm.ts'
import { revokedSchema } from '../../control/api/schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import { assigned } from '../assignments.ts'
import type { Console } from '../console.ts'
import { examples, pathOf } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { readObject } from '../read-document.ts'
import { addRealmCommand, doneColumns } from '../realm-command.ts'

const columns: Columns<WireRealm> = ({ issuer, display_name, open, settings }) => ({
  issuer,
  name: display_name,
  open: open ? 'yes' : 'no',
  ...Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      typeof value === 'object'
        ? stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()
        : value,
    ]),
  ),
})

/** `ringfence realms`: settings and keys of a tenant's identity domain. */
export function addRealms(program: Command, console: Console, _ending: Ending): void {
  const realms = examples(
    program.command('realms').description('Tenants’ identity domains: settings and keys.'),
    'ringfence realms get acme',
    'ringfence realms set acme mfa=required session.idleSeconds=1800',
    'ringfence realms rotate-keys acme',
  )
  addRealmCommand(realms, console, {
    usage: 'get',
    description: 'The issuer and the settings of a realm.',
    examples: ['ringfence realms get acme -o yaml'],
    run: async (at) => at.one(await at.realm.ask('getRealm', {}), columns),
  })
  addRealmCommand(realms, console, {
    usage: 'set [settings...]',
    description: 'Change settings: some as name=value, or all of them from a file.',
    options: [['-f, --file <file>', 'all settings, as YAML or JSON']],
    examples: [
      'ringfence realms set acme mfa=required accessTokenSeconds=120',
      'ringfence realms set acme registration.enabled=true "registration.redirectHosts=[app.acme.example]"',
      'ringfence realms set acme domain=          # take a setting away',
      'ringfence realms set acme -f settings.yaml',
    ],
    run: async (at, assignments) => {
      const file = at.text('file')
      if ((file === undefined) === (assignments.length === 0)) {
        throw new RingfenceError('invalid_argument', 'give name=value, or a file with -f')
      }
      const whole = file === undefined ? undefined : readObject(file)
      const { value, tag } = await at.realm.tagged('getRealm', {})
      const settings = whole ?? assigned(value.settings, assignments)
      at.one(await at.realm.ask('putRealmSettings', { settings }, tag), columns)
    },
  })
  addRealmCommand(realms, console, {
    usage: 'rotate-keys',
    description:
      'Publish the next signing key; the one before goes on until it has outlived its tokens.',
    options: [['--compromised', 'replace all keys now: every token that they signed is void']],
    examples: [
      'ringfence realms rotate-keys acme',
      'ringfence realms rotate-keys acme --compromised --yes',
    ],
    confirm: (_args, tenant) => [`This changes the signing keys of ${tenant}.`, tenant],
    run: async (at) => {
      const path = pathOf('tenants', at.realm.tenant, 'keys')
      const body = { compromised: at.is('compromised') }
      const change = { method: 'POST', path, body } as const
      at.one(await at.realm.control.change(change, revokedSchema), doneColumns)
    },
  })
}
