import type { Command } from 'commander'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { addRealmCommand, doneColumns, LIMIT } from '../realm-command.ts'

/** `ringfence api-keys`: with which programs of users come. */
export function addApiKeys(program: Command, console: Console, _ending: Ending): void {
  const keys = examples(
    program.command('api-keys').description('API keys of users of a realm.'),
    'ringfence api-keys list acme 5f0c…',
    'ringfence api-keys revoke acme 5f0c… 1d4e…',
  )
  addRealmCommand(keys, console, {
    usage: 'list <user>',
    description: 'The API keys of a user, without their secrets.',
    options: [LIMIT],
    examples: ['ringfence api-keys list acme 5f0c…'],
    run: async (at, [user = '']) =>
      at.list(await at.realm.list('listApiKeys', { user }, at.most), (key) => ({
        id: key.id,
        label: key.label,
        scopes: key.scopes.join(' '),
        created: key.created_at,
        expires: key.expires_at,
        used: key.used_at,
      })),
  })
  addRealmCommand(keys, console, {
    usage: 'revoke <user> <key>',
    description: 'Take an API key back, and the tokens that it was exchanged for.',
    examples: ['ringfence api-keys revoke acme 5f0c… 1d4e… --yes'],
    confirm: ([, key = '']) => [`Whatever uses the key ${key} is shut out.`, key],
    run: async (at, [user = '', key = '']) =>
      at.one(await at.realm.ask('revokeApiKey', { user, key }), doneColumns),
  })
}
