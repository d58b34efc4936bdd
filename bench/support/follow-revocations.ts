import {
  RevocationFollower,
  type RevocationFollowerOptions,
} from '../../src/revocation/revocation-follower.ts'

/** What a process says: that it knows all that there was, or when it learned of a session's end. */
export type Learned = 'known' | { readonly id: string; readonly at: string }

/** Follows revocations as a gateway or vending does, in a process of its own. */
process.once('message', (options: RevocationFollowerOptions) => {
  void follow(options)
})

process.once('disconnect', () => process.exit())

async function follow(options: RevocationFollowerOptions): Promise<void> {
  const follower = await RevocationFollower.open(options)
  follower.onNews((news) => {
    // The same clock in all processes of a machine.
    const at = String(process.hrtime.bigint())
    for (const one of news) if (one.kind === 'session') process.send?.({ id: one.id, at })
  })
  await follower.ready()
  process.send?.('known')
}
