import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Tx } from '../database/pooled-database.ts'

/** A setting that all control processes share, or undefined. */
export async function readSetting(tx: Pick<Tx, 'query'>, name: string): Promise<unknown> {
  const [row] = await tx.query<{ value: unknown }>(
    'select value from registry.setting where name = $1',
    [name],
  )
  return row?.value
}

/** Locks the setting against other writers until the transaction ends. */
export async function writeSetting(tx: Tx, name: string, value: unknown): Promise<void> {
  await tx.query(
    `insert into registry.setting (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value`,
    [name, JSON.stringify(value)],
  )
}

/** The key that signs cursors, made by the first process: a page may be asked of any of them. */
export async function cursorKey(database: Pick<Tx, 'query'>): Promise<Uint8Array> {
  await database.query(
    `insert into registry.setting (name, value) values ('cursor-key', $1)
     on conflict (name) do nothing`,
    [JSON.stringify(randomBytes(32).toString('base64url'))],
  )
  return Buffer.from(z.string().parse(await readSetting(database, 'cursor-key')), 'base64url')
}
