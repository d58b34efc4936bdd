import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RevocationFile } from '../../revocation/revocation-file.ts'
import type { ConfigurationSource } from '../../snapshot/snapshot.ts'
import type { DoorOptions } from './door.ts'
import { Feed } from './feed.ts'
import type { House } from './house.ts'
import type { RevocationKeeper } from './pieces.ts'
import { RevocationBook } from './revocation-book.ts'

/** The control database with a first record in it. */
export async function firstFeed(
  { ground, pieces, settings }: House,
  options: DoorOptions,
): Promise<Feed> {
  const feed = new Feed(ground.keys.record)
  const { platform, tenants } = options.settings ?? settings
  const at = options.issuedAt ?? new Date(Date.now() - pieces.silenceMs)
  await feed.publish({ platform, tenants, at })
  return feed
}

/** What was revoked, and who follows it. */
export async function openRevocations(
  { pieces }: House,
  { revocationsHeardAt }: DoorOptions,
  directory: string,
): Promise<{ readonly book: RevocationBook; readonly revocations: RevocationKeeper }> {
  const book = new RevocationBook()
  const kept = join(directory, 'revocations')
  if (revocationsHeardAt !== undefined) {
    book.away = true
    await mkdir(kept, { recursive: true })
    const freshAtMs = revocationsHeardAt.getTime()
    await new RevocationFile(kept).write({ entries: [], freshAtMs })
  }
  const following = { directory: kept, database: book.feed, ...pieces.revocationsFollowing }
  return { book, revocations: await pieces.followRevocations(following) }
}

/** A source that tells nobody of changes. */
export function deaf(source: ConfigurationSource): ConfigurationSource {
  return { current: () => source.current(), onChange: () => undefined }
}
