import { RingfenceError } from '../core/errors.ts'
import type { NoteSigner } from './note-signer.ts'
import { openNote, parseNote, signNote } from './signed-note.ts'
import { ED25519, parseVerifierKey, type VerifierKey } from './verifier-key.ts'

/** No log has this origin: what is signed as an announcement is never a checkpoint. */
const HEADER = 'ringfence.dev/log-key/v1'

/** A log's next key, announced by the key before it. */
export interface KeyAnnouncement {
  readonly origin: string
  readonly key: VerifierKey
  /** From when the new key signs. RFC 3339. */
  readonly from: string
}

/** A note, signed by the key in use and by the new one, which shows that somebody has it. */
export function announceKey(
  announcement: KeyAnnouncement,
  current: NoteSigner,
  next: NoteSigner,
): string {
  const { origin, key, from } = announcement
  return signNote(`${HEADER}\n${origin}\n${key.text}\n${from}\n`, [current, next])
}

/** What an announcement says, signed by nobody yet. @throws RingfenceError `invalid_evidence` */
export function parseAnnouncement(note: string): KeyAnnouncement {
  const [header, origin, vkey, from, end, ...more] = parseNote(note).text.split('\n')
  const isWhole = header === HEADER && end === '' && more.length === 0
  if (!isWhole || origin === undefined || vkey === undefined || from === undefined) {
    throw new RingfenceError('invalid_evidence', 'this is not an announcement of a key')
  }
  return { origin, key: parseVerifierKey(vkey), from }
}

/**
 * Follows announcements, in order, from the keys that are trusted: each is believed when a key that is
 * believed already has signed it. Those of other logs, and unsigned ones, are passed over.
 */
export function followKeys(
  trusted: readonly VerifierKey[],
  announcements: readonly string[],
): { readonly keys: readonly VerifierKey[]; readonly followed: readonly string[] } {
  const keys = [...trusted]
  const followed: string[] = []
  for (const note of announcements) {
    try {
      const { origin, key } = parseAnnouncement(note)
      if (key.type !== ED25519 || key.name !== origin) continue
      if (keys.some(({ text }) => text === key.text)) continue
      const { signedBy } = openNote(note, [...keys.filter(({ name }) => name === origin), key])
      if (signedBy.length < 2) continue
      keys.push(key)
      followed.push(note)
    } catch (error) {
      if (!(error instanceof RingfenceError)) throw error
    }
  }
  return { keys, followed }
}
