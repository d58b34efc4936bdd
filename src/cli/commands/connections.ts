import type { Command } from 'commander'
import type { WireConnection } from '../../administration/connections.ts'
import type { RealmInput } from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import { readConnections } from '../connection-manifest.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { readObject, readText } from '../read-document.ts'
import { addRealmCommand, doneColumns, LIMIT } from '../realm-command.ts'

const columns: Columns<WireConnection> = (connection) => ({
  id: connection.id,
  kind: connection.kind,
  name: connection.display_name,
  enabled: connection.enabled ? 'yes' : 'no',
  provider: connection.config['issuer'] ?? connection.config['entityId'],
})

const FORM = `
A file holds one connection, or several documents:
  apiVersion: ringfence.dev/v1
  kind: Connection
  metadata: { name: corporate }
  spec:
    kind: oidc
    displayName: Corporate
    clientSecretFrom: CORPORATE_SECRET    # an environment variable
    config: { issuer: 'https://idp.acme.example', clientId: ringfence, provisioning: create }`

/** `ringfence connections`: identity providers of a tenant's own. */
export function addConnections(program: Command, console: Console, _ending: Ending): void {
  const connections = examples(
    program.command('connections').description('Identity providers of a tenant’s own.'),
    'ringfence connections allow acme oidc https://idp.acme.example',
    'ringfence connections apply acme -f corporate.yaml',
    'ringfence connections test acme corporate --claims claims.json',
  )
  addReading(connections, console)
  addRealmCommand(connections, console, {
    usage: 'apply',
    description: 'Make the connections that a file describes, or change them to that.',
    required: [['-f, --file <file>', 'YAML or JSON']],
    examples: ['ringfence connections apply acme -f corporate.yaml'],
    run: async (at) => {
      const made: WireConnection[] = []
      for (const wanted of readConnections(at.text('file') ?? '', at.console)) {
        made.push(await at.realm.ask('putConnection', wanted))
      }
      at.list(made, columns)
    },
  })
  connections.commands.at(-1)?.addHelpText('after', FORM)
  addRealmCommand(connections, console, {
    usage: 'remove <connection>',
    description: 'Remove a connection, its links and domains, and the roles that it gave.',
    examples: ['ringfence connections remove acme corporate --yes'],
    confirm: ([connection = '']) => [`Nobody signs in by ${connection} any more.`, connection],
    run: async (at, [connection = '']) =>
      at.one(await at.realm.ask('removeConnection', { connection }), doneColumns),
  })
  addRealmCommand(connections, console, {
    usage: 'test <connection>',
    description: 'What claims or an assertion would become. Changes nothing, verifies nothing.',
    options: [
      ['--claims <file>', 'claims of an ID token, as JSON'],
      ['--assertion <file>', 'a SAML assertion, as XML'],
    ],
    examples: [
      'ringfence connections test acme corporate --claims claims.json',
      'ringfence connections test acme saml --assertion assertion.xml -o yaml',
    ],
    run: async (at, [connection = '']) => {
      const [claims, assertion] = [at.text('claims'), at.text('assertion')]
      const run = await at.realm.ask('testConnection', {
        connection,
        ...(claims === undefined ? {} : { claims: readObject(claims) }),
        ...(assertion === undefined ? {} : { assertion: readText(assertion) }),
      })
      at.one(run, ({ change, roles, problems, ignored, ...rest }) => ({
        ...rest,
        change: JSON.stringify(change),
        roles: roles?.join(' '),
        problems: problems.join('; '),
        ignored: ignored.join(' '),
      }))
    },
  })
  for (const [usage, name, description] of [
    ['allow', 'allowSource', 'Let the realm have connections with an issuer or entity id.'],
    ['disallow', 'disallowSource', 'Take that back. Connections with it stop working at once.'],
  ] as const) {
    addRealmCommand(connections, console, {
      usage: `${usage} <kind> <source>`,
      description,
      examples: [`ringfence connections ${usage} acme oidc https://idp.acme.example`],
      run: async (at, [kind = '', source = '']) => {
        await at.realm.ask(name, { kind: kindOf(kind), source })
        at.list(await at.realm.list('listSources', {}), (one) => ({ ...one }))
      },
    })
  }
}

function addReading(connections: Command, console: Console): void {
  addRealmCommand(connections, console, {
    usage: 'list',
    description: 'The connections of a realm, by id.',
    options: [LIMIT],
    examples: ['ringfence connections list acme'],
    run: async (at) => at.list(await at.realm.list('listConnections', {}, at.most), columns),
  })
  addRealmCommand(connections, console, {
    usage: 'get <connection>',
    description: 'One connection in full.',
    examples: ['ringfence connections get acme corporate -o yaml'],
    run: async (at, [connection = '']) =>
      at.one(await at.realm.ask('getConnection', { connection }), columns),
  })
  addRealmCommand(connections, console, {
    usage: 'setup <connection>',
    description: 'What the provider’s administrator has to be told.',
    examples: ['ringfence connections setup acme corporate'],
    run: async (at, [connection = '']) =>
      at.one(await at.realm.ask('getConnectionSetup', { connection }), (setup) => ({ ...setup })),
  })
  addRealmCommand(connections, console, {
    usage: 'sources',
    description: 'The issuers and entity ids with which the realm may have connections.',
    options: [LIMIT],
    examples: ['ringfence connections sources acme'],
    run: async (at) =>
      at.list(await at.realm.list('listSources', {}, at.most), (one) => ({ ...one })),
  })
}

function kindOf(kind: string): RealmInput<'allowSource'>['kind'] {
  if (kind === 'oidc' || kind === 'saml') return kind
  throw new RingfenceError('invalid_argument', 'a provider is of the kind oidc or saml')
}
