import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { differences } from '../../manifests/diff.ts'
import { RecordReader } from '../../snapshot/record-reader.ts'
import type { SnapshotState } from '../../snapshot/state.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { PlatformPublisher } from '../platform-publisher.ts'
import { configOf, TENANT_COLUMNS, tenantRowOf } from '../tenant-row.ts'
import { tenantParts } from './declared-parts.ts'
import type { Drift, DriftEntry } from './manifests.ts'

/**
 * Reads the chain as a gateway does, record by record and signature by signature, and compares what it
 * amounts to with what is declared and registered, all of it as of one moment.
 */
export function findDrift(
  database: Database,
  publisher: PlatformPublisher,
  key: SigningKey,
): Promise<Drift> {
  return database.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only')
    const { version, state, refusal } = await chainOf(tx, key)
    const entries: DriftEntry[] = []
    const platform = differences(plain(state?.platform), plain(await publisher.present(tx)))
    if (platform.length > 0) entries.push({ tenant: undefined, diff: platform })
    entries.push(...(await tenantsThatDiffer(tx, state)))
    return { version, refusal, entries }
  })
}

interface Chain {
  readonly version: number
  readonly state: SnapshotState | undefined
  readonly refusal: string | undefined
}

async function chainOf(tx: Tx, key: SigningKey): Promise<Chain> {
  const [head] = await tx.query<{ version: string; hash: string }>(
    'select version, hash from snapshot.head',
  )
  const version = Number(head?.version ?? 0)
  const reader = new RecordReader(new KeySet([key.publicJwk]))
  try {
    for (const text of await textsOf(tx)) await reader.take(text)
    const { state } = reader
    if (state === undefined || !reader.complete) return missing(version, 'it is not whole')
    if (state.version !== version || state.hash !== head?.hash) {
      return missing(version, 'its newest record is not the one that is said to be in force')
    }
    return { version, state, refusal: undefined }
  } catch (error) {
    if (!(error instanceof RingfenceError)) throw error
    return missing(version, messageOf(error))
  }
}

function missing(version: number, refusal: string): Chain {
  return { version, state: undefined, refusal }
}

async function textsOf(tx: Tx): Promise<readonly string[]> {
  const rows = await tx.query<{ text: string }>(
    `with newest as (select max(version) as version from snapshot.base)
     select text from (
       select 0 as part, 0 as number, base.version, base.text from snapshot.base, newest
        where base.version = newest.version
       union all
       select 1, part.number, part.version, part.text from snapshot.base_part as part, newest
        where part.version = newest.version
       union all
       select 2, 0, change.version, change.text from snapshot.change, newest
        where newest.version is null or change.version > newest.version) as chain
     order by part, version, number`,
  )
  return rows.map(({ text }) => text)
}

async function tenantsThatDiffer(
  tx: Tx,
  state: SnapshotState | undefined,
): Promise<readonly DriftEntry[]> {
  const rows = await tx.query(
    `select ${TENANT_COLUMNS} from registry.tenant where serving is not null order by id`,
  )
  const seen = new Set<TenantId>()
  const entries: DriftEntry[] = []
  for (const row of rows) {
    const registered = tenantRowOf(row)
    const tenant = registered.id
    seen.add(tenant)
    const declared = configOf(registered, await tenantParts(tx, tenant))
    const diff = differences(plain(state?.tenant(tenant)), plain(declared))
    if (diff.length > 0) entries.push({ tenant, diff })
  }
  for (const config of state?.tenants() ?? []) {
    if (seen.has(config.id)) continue
    entries.push({ tenant: config.id, diff: differences(plain(config), undefined) })
  }
  return entries
}

/** As it is in JSON: what is undefined is not there. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
