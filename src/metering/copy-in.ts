import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

/**
 * @param statement COPY … FROM STDIN
 * @param text its rows, in the text form
 * @throws pg.DatabaseError
 */
export async function copyIn(
  client: pg.ClientBase,
  statement: string,
  text: string,
): Promise<void> {
  await pipeline(Readable.from([Buffer.from(text)]), client.query(copyFrom(statement)))
}
