import { createServer } from 'node:http'
import { listenWith } from '../../src/http/listen.ts'
import { type IdentityOptions, openIdentity } from '../../src/identity/open-identity.ts'

/** What the process is told: all of the options that are data. */
export type IdentityWork = Omit<
  IdentityOptions,
  'log' | 'publisher' | 'revoked' | 'mount' | 'authorities'
>

export type IdentityAnswer =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'cpu'; readonly seconds: number }

const say = (answer: IdentityAnswer) => process.send?.(answer)

/** An identity plane in a process of its own, which says how much of a core it has used. */
process.on('message', (work: IdentityWork | 'cpu') => {
  if (work === 'cpu') {
    const { user, system } = process.cpuUsage()
    say({ kind: 'cpu', seconds: (user + system) / 1e6 })
    return
  }
  void openIdentity({ ...work, log: () => {} })
    .then(({ app }) => listenWith(createServer(app), { host: '127.0.0.1', port: 0 }))
    .then(({ url }) => say({ kind: 'listening', url }))
})

process.once('disconnect', () => process.exit())
