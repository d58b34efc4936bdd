import type { Command } from 'commander'
import type { WireDomain } from '../../administration/connections.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { addRealmCommand, doneColumns, LIMIT } from '../realm-command.ts'

const columns: Columns<WireDomain> = (claim) => ({
  domain: claim.domain,
  connection: claim.connection,
  verified: claim.verified ? 'yes' : 'no',
  checked: claim.checked_at,
})
const details: Columns<WireDomain> = (claim) => ({
  ...columns(claim),
  'TXT record at': claim.record_name,
  'with the value': claim.record_value,
})

/** `ringfence domains`: e-mail domains that lead to a tenant's own identity provider. */
export function addDomains(program: Command, console: Console, _ending: Ending): void {
  const domains = examples(
    program.command('domains').description('E-mail domains of a tenant’s own.'),
    'ringfence domains add acme acme.example --connection corporate',
    'ringfence domains verify acme acme.example --connection corporate',
  )
  const CONNECTION = ['--connection <connection>', 'to whose provider it leads'] as const
  addRealmCommand(domains, console, {
    usage: 'list',
    description: 'The domains that a tenant says are its own.',
    options: [LIMIT],
    examples: ['ringfence domains list acme'],
    run: async (at) => at.list(await at.realm.list('listDomains', {}, at.most), columns),
  })
  for (const [usage, name, description] of [
    ['add', 'addDomain', 'Claim a domain. Says which DNS record proves it.'],
    ['verify', 'verifyDomain', 'Look for the DNS record now.'],
  ] as const) {
    addRealmCommand(domains, console, {
      usage: `${usage} <domain>`,
      description,
      required: [CONNECTION],
      examples: [`ringfence domains ${usage} acme acme.example --connection corporate`],
      run: async (at, [domain = '']) => {
        const connection = at.text('connection') ?? ''
        at.one(await at.realm.ask(name, { domain, connection }), details)
      },
    })
  }
  addRealmCommand(domains, console, {
    usage: 'remove <domain>',
    description: 'Give a claim up.',
    required: [CONNECTION],
    examples: ['ringfence domains remove acme acme.example --connection corporate --yes'],
    confirm: ([domain = '']) => [`Nobody of ${domain} is led to its provider any more.`, domain],
    run: async (at, [domain = '']) => {
      const connection = at.text('connection') ?? ''
      at.one(await at.realm.ask('removeDomain', { domain, connection }), doneColumns)
    },
  })
}
