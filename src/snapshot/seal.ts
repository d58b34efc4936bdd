import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { openDocument, signDocument } from '../tokens/signed-document.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import type { KeySet } from '../tokens/verify-token.ts'
import {
  type Confirmation,
  confirmationSchema,
  recordSchema,
  type SnapshotRecord,
} from './snapshot.ts'

/** Two types, so that neither passes as the other. */
const RECORD_TYP = 'rf-snapshot+jws'
const CONFIRMATION_TYP = 'rf-snapshot-confirmation+jws'

/** How records and parts are named by each other: hex SHA-256 of the text as it is stored. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function sealRecord(key: SigningKey, record: SnapshotRecord): Promise<string> {
  return signDocument(key, RECORD_TYP, record)
}

export function sealConfirmation(key: SigningKey, confirmation: Confirmation): Promise<string> {
  return signDocument(key, CONFIRMATION_TYP, confirmation)
}

/** @throws RingfenceError `snapshot_refused` */
export function openRecord(text: string, keys: KeySet): Promise<SnapshotRecord> {
  return open(text, keys, RECORD_TYP, recordSchema)
}

/** @throws RingfenceError `snapshot_refused` */
export function openConfirmation(text: string, keys: KeySet): Promise<Confirmation> {
  return open(text, keys, CONFIRMATION_TYP, confirmationSchema)
}

async function open<S extends z.ZodType>(
  text: string,
  keys: KeySet,
  typ: string,
  schema: S,
): Promise<z.output<S>> {
  try {
    return schema.parse(await openDocument(text, keys, typ))
  } catch (error) {
    throw refused(error instanceof RingfenceError ? error.message : 'it is of another form', error)
  }
}

/** A configuration that is not to be used, and why not. */
export function refused(why: string, cause?: unknown): RingfenceError {
  return new RingfenceError('snapshot_refused', `the configuration is refused: ${why}`, {
    ...(cause === undefined ? {} : { cause, detail: messageOf(cause) }),
  })
}
