import { createInterface } from 'node:readline'
import { RevocationFollower, type RevocationFollowerOptions } from './revocation-follower.ts'

/**
 * A process that follows, as a gateway or vending does: says when it knows, and then the name of each
 * revocation that it learns of. It ends with its standard input.
 */
const lines = createInterface({ input: process.stdin })
lines.once('line', (line) => void follow(JSON.parse(line) as RevocationFollowerOptions))
lines.once('close', () => process.exit())

async function follow(options: RevocationFollowerOptions): Promise<void> {
  const follower = await RevocationFollower.open(options)
  follower.onNews((news) => {
    for (const one of news) process.stdout.write(`${'id' in one ? one.id : one.kind}\n`)
  })
  await follower.ready()
  process.stdout.write('known\n')
}
