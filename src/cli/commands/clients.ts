import type { Command } from 'commander'
import type { WireClient } from '../../administration/clients.ts'
import type { RealmInput } from '../../administration/operations.ts'
import type { Console } from '../console.ts'
import { examples, several } from '../control-command.ts'
import { durationSeconds } from '../duration.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { readDocuments } from '../read-document.ts'
import { addRealmCommand, doneColumns, LIMIT, type RealmAction } from '../realm-command.ts'

const columns: Columns<WireClient> = (client) => ({
  id: client.id,
  name: client.name,
  authentication: client.auth_method,
  grants: client.grant_types.join(' '),
  scopes: client.scopes.join(' '),
  registered: client.registered ? 'by itself' : 'by an operator',
})
const details: Columns<WireClient> = (client) => ({
  ...columns(client),
  'redirect URIs': client.redirect_uris.join(' '),
  roles: client.roles.join(' '),
  'first party': client.first_party ? 'yes' : 'no',
  'DPoP only': client.dpop_bound ? 'yes' : 'no',
})

const DETAILS = [
  ['--name <text>', 'what people call it'],
  ['--auth <method>', 'client_secret_basic, client_secret_post, private_key_jwt or none'],
  ['--grant <type>', 'a grant that it may use; may be given several times', several],
  [
    '--redirect-uri <uri>',
    'where browsers are sent with a code; may be given several times',
    several,
  ],
  ['--post-logout-uri <uri>', 'where browsers go after signing out', several],
  ['--logout-uri <uri>', 'is told, server to server, of sign-outs'],
  ['--origin <origin>', 'from whose pages it calls the realm; may be given several times', several],
  ['--role <role>', 'a role of its own; may be given several times', several],
  ['--scope <scope>', 'a scope that it may ask for; may be given several times', several],
  ['--keys <file>', 'its public keys: a JWK set, for private_key_jwt'],
  ['--third-party', 'users are asked about it'],
  ['--dpop', 'gets only tokens that are bound to its key'],
] as const

/** `ringfence clients`: OAuth clients of a realm. */
export function addClients(program: Command, console: Console, _ending: Ending): void {
  const clients = examples(
    program.command('clients').description('OAuth clients of a tenant’s realm.'),
    'ringfence clients create acme robot --scope read',
    'ringfence clients create acme app --grant authorization_code --redirect-uri https://app.acme.example/cb',
  )
  addRealmCommand(clients, console, {
    usage: 'list',
    description: 'The clients of a realm, by id.',
    options: [LIMIT],
    examples: ['ringfence clients list acme'],
    run: async (at) => at.list(await at.realm.list('listClients', {}, at.most), columns),
  })
  addRealmCommand(clients, console, {
    usage: 'get <client>',
    description: 'One client in full.',
    examples: ['ringfence clients get acme app -o yaml'],
    run: async (at, [client = '']) => at.one(await at.realm.ask('getClient', { client }), details),
  })
  for (const [usage, name, description, lines] of [
    [
      'create',
      'createClient',
      'Enter a client. Its secret is written once, to standard output.',
      ['ringfence clients create acme robot --scope read -o json | jq -r .secret'],
    ],
    [
      'replace',
      'putClient',
      'Replace what is said of a client. It gets a new secret; what it was given is void.',
      ['ringfence clients replace acme robot --scope read --scope write'],
    ],
  ] as const) {
    addRealmCommand(clients, console, {
      usage: `${usage} <client>`,
      description,
      options: DETAILS,
      examples: lines,
      run: async (at, [client = '']) => {
        const made = await at.realm.ask(name, { client, ...detailsOf(at) })
        at.one(made, ({ client: of, secret }) => ({ ...details(of), secret }))
        if (made.secret !== null) at.console.err('The secret is shown this once: keep it now.\n')
      },
    })
  }
  addRealmCommand(clients, console, {
    usage: 'remove <client>',
    description: 'Remove a client, and void all that it was given.',
    examples: ['ringfence clients remove acme robot --yes'],
    confirm: ([client = '']) => [`This removes the client ${client} for good.`, client],
    run: async (at, [client = '']) =>
      at.one(await at.realm.ask('removeClient', { client }), doneColumns),
  })
  addRealmCommand(clients, console, {
    usage: 'registration-token',
    description: 'A token with which clients register themselves. Written once.',
    required: [['--for <duration>', 'how long it is good for: 30m, 12h, 7d']],
    examples: ['ringfence clients registration-token acme --for 12h'],
    run: async (at) => {
      const seconds = durationSeconds(at.text('for') ?? '', '--for')
      const made = await at.realm.ask('createRegistrationToken', { seconds })
      at.one(made, ({ token, expires_at }) => ({ token, expires: expires_at }))
    },
  })
}

function detailsOf(at: RealmAction): Omit<RealmInput<'putClient'>, 'client'> {
  const keys = at.text('keys')
  return {
    name: at.text('name'),
    // The schema says what it may be.
    auth_method: at.text('auth') as RealmInput<'putClient'>['auth_method'],
    grant_types: at.all('grant'),
    redirect_uris: at.all('redirectUri'),
    post_logout_redirect_uris: at.all('postLogoutUri'),
    backchannel_logout_uri: at.text('logoutUri'),
    origins: at.all('origin'),
    roles: at.all('role'),
    scopes: at.all('scope'),
    ...(at.is('thirdParty') ? { first_party: false } : {}),
    ...(at.is('dpop') ? { dpop_bound: true } : {}),
    ...(keys === undefined ? {} : { keys: keysIn(keys) }),
  }
}

/** A JWK set (RFC 7517), or a list of JWKs. */
function keysIn(file: string): Record<string, unknown>[] {
  const [read] = readDocuments(file)
  const set = typeof read === 'object' && read !== null && 'keys' in read ? read.keys : read
  return (Array.isArray(set) ? set : [set]) as Record<string, unknown>[]
}
