import { hash, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { type AuditEntry, auditEntrySchema, type LogName } from '../../audit/entry.ts'
import { ENTRY_BYTES_MAX } from '../../transparency/entry-bundle.ts'
import { decrypt, encrypt } from './key-encryption.ts'

/** A key for what is entered into one log in one month. */
export interface DataKey {
  /** `2026-11.1`: the month, and which of its keys. */
  readonly name: string
  readonly key: KeyObject
}

const NONCE_BYTES = 12
/** What remains of an entry's 65,535 bytes for the text, after base64 and what is around it. */
const TEXT_BYTES_MAX = Math.floor(((ENTRY_BYTES_MAX - 400) / 4) * 3)

const sealedSchema = z.strictObject({
  v: z.literal(1),
  id: z.uuid(),
  time: z.iso.datetime(),
  key: z.string(),
  nonce: z.base64(),
  ciphertext: z.base64(),
})
const openSchema = z.strictObject({ v: z.literal(1), open: auditEntrySchema })
const envelopeSchema = z.union([sealedSchema, openSchema])

/** What stands in a log for an entry: its id, its time, and what only its data key opens. */
export function sealEntry(log: LogName, entry: AuditEntry, dataKey: DataKey): Buffer {
  const { id, time } = entry
  const text = Buffer.from(fitting(entry))
  const sealed = encrypt(dataKey.key, text, boundTo(log, id, time, dataKey.name))
  const nonce = sealed.toString('base64', 0, NONCE_BYTES)
  const ciphertext = sealed.toString('base64', NONCE_BYTES)
  return Buffer.from(JSON.stringify({ v: 1, id, time, key: dataKey.name, nonce, ciphertext }))
}

/** For an entry that everybody may read, and that verifiers must: the announcement of a key. */
export function openEnvelope(entry: AuditEntry): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, open: entry }))
}

/** The data key's name. Undefined for an entry that is not encrypted. */
export function dataKeyOf(bytes: Buffer): string | undefined {
  const envelope = readEnvelope(bytes)
  return envelope === undefined || 'open' in envelope ? undefined : envelope.key
}

/** The entry in an envelope. Undefined without its key, and when it was changed. */
export function openEntry(
  log: LogName,
  bytes: Buffer,
  key: KeyObject | undefined,
): AuditEntry | undefined {
  const envelope = readEnvelope(bytes)
  if (envelope !== undefined && 'open' in envelope) return envelope.open
  if (envelope === undefined || key === undefined) return undefined
  const { id, time, key: name, nonce, ciphertext } = envelope
  const sealed = Buffer.concat([Buffer.from(nonce, 'base64'), Buffer.from(ciphertext, 'base64')])
  const text = decrypt(key, sealed, boundTo(log, id, time, name))
  return text === undefined ? undefined : auditEntrySchema.parse(JSON.parse(text.toString('utf8')))
}

/** The entry's text; without its details when there are more than a log takes. */
function fitting(entry: AuditEntry): string {
  const text = JSON.stringify(entry)
  if (Buffer.byteLength(text) <= TEXT_BYTES_MAX) return text
  const detail = { omitted: 'more details than an entry can hold', sha256: hash('sha256', text) }
  return JSON.stringify({ ...entry, detail })
}

function readEnvelope(bytes: Buffer) {
  try {
    return envelopeSchema.parse(JSON.parse(bytes.toString('utf8')))
  } catch {
    // Somebody changed it where it is kept. Its hash tells, and `ringfence audit verify` says so.
    return undefined
  }
}

/** Moved to another log, id, time or key, a text does not open. None of the parts has a line break. */
const boundTo = (log: LogName, id: string, time: string, key: string) =>
  `ringfence log entry\n${log}\n${id}\n${time}\n${key}`
