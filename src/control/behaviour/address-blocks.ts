import { Rounds } from '../../core/rounds.ts'
import type { Database } from '../database.ts'
import type { PlatformPublisher } from '../platform-publisher.ts'

/**
 * Whoever calls from many networks could have the platform published all the time, and every gateway
 * makes its compiled forms anew then. Milliseconds.
 */
const EVERY_MS = 2_000
const AGAIN_MS = 10_000

export interface AddressBlocksParts {
  readonly database: Database
  readonly publisher: PlatformPublisher
  readonly log: (line: string) => void
}

/** Publishes which networks are blocked, so that gateways know it. Any control process may do it. */
export function addressBlocks({ database, publisher, log }: AddressBlocksParts): Rounds {
  // What was said before this process began may be over.
  let published: string | undefined
  const times = { everyMs: EVERY_MS, againMs: AGAIN_MS }
  return new Rounds({ what: 'address blocks', log, ...times }, async () => {
    const [row] = await database.query<{ said: string }>(
      `select coalesce(string_agg(concat(network, ' ', until), ',' order by network), '') as said
         from registry.address_block where until > clock_timestamp()`,
    )
    const said = row?.said ?? ''
    if (said === published) return
    await publisher.publishNow(database)
    published = said
  })
}
