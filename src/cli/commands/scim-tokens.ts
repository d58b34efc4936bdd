import type { Command } from 'commander'
import type { WireScimToken } from '../../administration/realm.ts'
import type { Console } from '../console.ts'
import { examples, wholeNumber } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import type { Columns } from '../output.ts'
import { addRealmCommand, doneColumns, LIMIT } from '../realm-command.ts'

const columns: Columns<WireScimToken> = (token) => ({
  id: token.id,
  name: token.name,
  'emails verified': token.emails_verified ? 'yes' : 'no',
  created: token.created_at,
  expires: token.expires_at,
  used: token.used_at,
})

/** `ringfence scim-tokens`: with which a tenant's source of provisioning comes. */
export function addScimTokens(program: Command, console: Console, _ending: Ending): void {
  const tokens = examples(
    program.command('scim-tokens').description('Tokens for provisioning a realm by SCIM.'),
    'ringfence scim-tokens create acme Entra --days 180',
    'ringfence scim-tokens revoke acme dG9rZW4',
  )
  addRealmCommand(tokens, console, {
    usage: 'list',
    description: 'The tokens of a realm, without their secrets.',
    options: [LIMIT],
    examples: ['ringfence scim-tokens list acme'],
    run: async (at) => at.list(await at.realm.list('listScimTokens', {}, at.most), columns),
  })
  addRealmCommand(tokens, console, {
    usage: 'create <name>',
    description: 'Make a token. It is written once, to standard output.',
    options: [
      ['--days <n>', 'how long it is good for; 180, when not given'],
      ['--emails-verified', 'the source holds addresses only of those to whom they belong'],
    ],
    examples: ['ringfence scim-tokens create acme Entra -o json | jq -r .secret'],
    run: async (at, [name = '']) => {
      const days = wholeNumber(at.text('days'), '--days')
      const verified = at.is('emailsVerified') ? { emails_verified: true } : {}
      const made = await at.realm.ask('createScimToken', { name, days, ...verified })
      at.one(made, ({ token, secret }) => ({ ...columns(token), secret }))
      at.console.err('The token is shown this once: keep it now.\n')
    },
  })
  addRealmCommand(tokens, console, {
    usage: 'revoke <token>',
    description: 'Take a token back, by its id.',
    examples: ['ringfence scim-tokens revoke acme dG9rZW4 --yes'],
    confirm: ([token = '']) => [`Whatever provisions with ${token} is shut out.`, token],
    run: async (at, [token = '']) =>
      at.one(await at.realm.ask('revokeScimToken', { scim_token: token }), doneColumns),
  })
}
