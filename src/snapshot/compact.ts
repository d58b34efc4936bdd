import type pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { hashOf, sealRecord } from './seal.ts'
import { type PlatformConfig, recordSchema } from './snapshot.ts'

/** Compacting processes do not do it twice. The number is "snap" in ASCII. */
const COMPACTION_LOCK = 0x736e6170
const TENANTS_PER_PART = 1_000
/** Changes after which a new base is worth its while, by default. */
const CHANGES_MIN = 500

/**
 * Writes a base of the newest version when there is none, or when many changes came after the last,
 * and forgets changes that nobody needs who has read the base before it. Publishers do not wait for
 * it. The client is in no transaction. Returns the base's version, or undefined if there was nothing
 * to do.
 * @param changesMin how many changes must have come since the last base
 */
export async function compact(
  client: pg.ClientBase,
  key: SigningKey,
  changesMin: number = CHANGES_MIN,
): Promise<number | undefined> {
  const lock = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [
    COMPACTION_LOCK,
  ])
  if (lock.rows[0]?.got !== true) return undefined
  try {
    return await compactLocked(client, key, changesMin)
  } finally {
    await client.query('select pg_advisory_unlock($1)', [COMPACTION_LOCK])
  }
}

async function compactLocked(
  client: pg.ClientBase,
  key: SigningKey,
  changesMin: number,
): Promise<number | undefined> {
  // Before the transaction sees anything: nothing that was published until then is missing in it.
  const issuedAt = new Date().toISOString()
  // One moment for the head and all tenants, without a lock that would stop publishers.
  await client.query('begin isolation level repeatable read')
  try {
    const version = await compactAsOf(issuedAt, client, key, changesMin)
    await client.query('commit')
    return version
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

interface Head {
  readonly version: string
  readonly hash: string
  readonly platform: PlatformConfig
  readonly newest: string | null
}

async function compactAsOf(
  issuedAt: string,
  client: pg.ClientBase,
  key: SigningKey,
  changesMin: number,
): Promise<number | undefined> {
  const { rows } = await client.query<Head>(
    `select version, hash, platform, (select max(version) from snapshot.base) as newest
     from snapshot.head where version > 0`,
  )
  const head = rows[0]
  if (head === undefined) return undefined
  const version = Number(head.version)
  if (head.newest !== null && version - Number(head.newest) < Math.max(1, changesMin)) {
    return undefined
  }
  // The base names its parts, so that it is signed last; its row is there for them to refer to.
  await client.query(`insert into snapshot.base (version, text) values ($1, '')`, [version])
  const parts = await writeParts(client, version)
  const record = recordSchema.safeParse({
    kind: 'base',
    version,
    issuedAt,
    previous: head.hash,
    platform: head.platform,
    tenants: [],
    removed: [],
    parts,
  })
  if (!record.success) throw new RingfenceError('internal', 'the present state has another form')
  const text = await sealRecord(key, record.data)
  await client.query('update snapshot.base set text = $2 where version = $1', [version, text])
  // Readers that are at the base before this one still find every change after it.
  await client.query('delete from snapshot.change where version <= $1', [head.newest ?? 0])
  await client.query('delete from snapshot.base where version < $1', [head.newest ?? 0])
  return version
}

async function writeParts(client: pg.ClientBase, version: number): Promise<readonly string[]> {
  const hashes: string[] = []
  let after = ''
  for (;;) {
    const { rows } = await client.query<{ id: string; config: string }>(
      `select id, config::text from snapshot.tenant where id > $1 order by id limit $2`,
      [after, TENANTS_PER_PART],
    )
    const last = rows.at(-1)
    if (last === undefined) return hashes
    after = last.id
    const text = `[${rows.map(({ config }) => config).join(',')}]`
    await client.query(
      'insert into snapshot.base_part (version, number, text) values ($1, $2, $3)',
      [version, hashes.length, text],
    )
    hashes.push(hashOf(text))
  }
}
