import { announceKey } from '../../transparency/key-announcement.ts'
import { describeFinding, type LogFinding } from '../../transparency/log-finding.ts'
import { leafHash } from '../../transparency/merkle-hash.ts'
import { logSigner, newSeed } from '../../transparency/note-signer.ts'
import type { Duel } from '../duel.ts'
import {
  by,
  hashesAt,
  madeLog,
  ownSigner,
  type TakenLog,
  takeLog,
  withEntries,
} from '../house/taken-log.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'

const write = attackOf('write')
/** Which entry is tampered with. */
const AT = 2

interface Tampered {
  readonly log: TakenLog
  /** A checkpoint that the owner has kept. */
  readonly since?: string
  /** What the owner has to be told, and of which entry where it is of one. */
  readonly told: readonly LogFinding['kind'][]
  readonly entry?: number
}

async function verified(duel: Duel, { files, key }: TakenLog, since?: string) {
  return duel.plane.verify({
    read: async (path) => files.get(path),
    keys: [key],
    ...(since === undefined ? {} : { since }),
  })
}

/** A log is tampered with where it is kept; its owner has its first key, and verifies it. */
function tampering(
  id: string,
  title: string,
  tamper: (duel: Duel, log: TakenLog) => Tampered | Promise<Tampered>,
): RecordsAttack {
  return write(id, title, async (duel) => {
    const log = await takeLog(duel, duel.victim)
    const { findings } = await verified(duel, log, log.checkpoint)
    must(findings.length === 0, 'find its log whole')
    return {
      owner: `the owner found its ${log.entries.length} entries whole`,
      attempt: async () => {
        const { log: now, since, told, entry } = await tamper(duel, log)
        const report = await verified(duel, { ...now, key: log.key }, since)
        const isTold = report.findings.some(
          (one) => told.includes(one.kind) && (entry === undefined || names(one, entry)),
        )
        const met = report.findings.map(describeFinding).join(', ').slice(0, 200)
        // A vkey or an origin is no secret, and is left out all the same.
        return { crossed: !isTold, met: isTold ? met.replaceAll(/[^ ]{40,}/g, '…') : 'not told' }
      },
    }
  })
}

/** Whether a finding says that it is of an entry. */
export function names(finding: LogFinding, entry: number): boolean {
  if ('index' in finding && 'count' in finding) {
    return finding.index <= entry && entry < finding.index + finding.count
  }
  if ('index' in finding) return finding.index === entry
  return 'count' in finding ? entry < finding.count : false
}

/** Another text in the place of an entry's, of the same length. */
function changed(entry: Buffer): Buffer {
  const other = Buffer.from(entry)
  const at = other.indexOf('"ciphertext":"') + '"ciphertext":"'.length
  other[at] = other[at] === 0x41 ? 0x42 : 0x41
  return other
}

const swapped = (entries: readonly Buffer[]) =>
  entries.map((entry, at) => entries[at === AT ? AT + 1 : at === AT + 1 ? AT : at] ?? entry)
const without = (entries: readonly Buffer[]) => entries.filter((_, at) => at !== AT)
const altered = (entries: readonly Buffer[]) =>
  entries.map((entry, at) => (at === AT ? changed(entry) : entry))

export const TAMPERING: readonly RecordsAttack[] = [
  tampering('rc-tamper-changed', 'Change an entry where it is kept', (_duel, log) => ({
    log: withEntries(log, altered(log.entries)),
    told: ['changed'],
    entry: AT,
  })),
  tampering('rc-tamper-with-hash', 'Change an entry and its hash with it', (_duel, log) => {
    const entries = altered(log.entries)
    const made = withEntries(log, entries)
    const files = new Map(made.files)
    files.set(hashesAt(entries.length), Buffer.concat(entries.map(leafHash)))
    return { log: { ...made, files }, told: ['rewritten', 'changed'], entry: AT }
  }),
  tampering('rc-tamper-removed', 'Remove an entry', (_duel, log) => ({
    log: withEntries(log, without(log.entries)),
    told: ['removed'],
    entry: AT,
  })),
  tampering('rc-tamper-reordered', 'Let two entries change places', (_duel, log) => ({
    log: withEntries(log, swapped(log.entries)),
    told: ['moved'],
  })),
  tampering('rc-tamper-inserted', 'Put an entry between two others', (_duel, log) => {
    const [strange] = altered(log.entries).slice(AT)
    const entries = log.entries.toSpliced(AT, 0, strange ?? Buffer.alloc(0))
    return { log: withEntries(log, entries), told: ['inserted'], entry: AT }
  }),
  tampering(
    'rc-tamper-spliced',
    'Put an entry of another tenant in the place of one',
    async (duel, log) => {
      const { entries } = await takeLog(duel, duel.attacker)
      const theirs = entries[AT] ?? Buffer.alloc(0)
      return { log: withEntries(log, log.entries.with(AT, theirs)), told: ['changed'], entry: AT }
    },
  ),
  tampering('rc-tamper-truncated', 'Cut off the last entries', (_duel, log) => ({
    log: withEntries(log, log.entries.slice(0, -2)),
    told: ['missing', 'removed'],
    entry: log.entries.length - 1,
  })),
  tampering(
    'rc-tamper-rolled-back',
    'Serve a shorter log, signed by the log’s own key',
    async (duel, log) => {
      const signer = await ownSigner(duel.plane.site, duel.victim)
      const shorter = madeLog(log, log.entries.slice(0, -2), by(signer))
      return {
        log: shorter,
        since: log.checkpoint,
        told: ['truncated'],
        entry: log.entries.length - 1,
      }
    },
  ),
  tampering('rc-tamper-forked', 'Write the log anew, signed by its own key', async (duel, log) => {
    const signer = await ownSigner(duel.plane.site, duel.victim)
    const entries = [...altered(log.entries), ...log.entries.slice(0, 1).map(changed)]
    return {
      log: madeLog(log, entries, by(signer)),
      since: log.checkpoint,
      told: ['forked'],
      entry: AT,
    }
  }),
  tampering(
    'rc-tamper-resigned',
    'Write the log anew, signed by another key of its name',
    (_duel, log) => ({
      log: madeLog(log, altered(log.entries), by(logSigner(log.origin, newSeed()))),
      told: ['signature'],
    }),
  ),
  tampering(
    'rc-tamper-old-signature',
    'Write the log anew under the signature of before',
    (_duel, log) => {
      const signature = log.checkpoint.slice(log.checkpoint.indexOf('\n\n') + 1)
      return {
        log: madeLog(log, altered(log.entries), (text) => text + signature),
        told: ['signature'],
      }
    },
  ),
  tampering('rc-tamper-own-key', 'Announce a key of one’s own, and sign with it', (_duel, log) => {
    const stranger = logSigner(log.origin, newSeed())
    const from = new Date().toISOString()
    const note = announceKey({ origin: log.origin, key: stranger.key, from }, stranger, stranger)
    const made = madeLog(log, altered(log.entries), by(stranger))
    const files = new Map(made.files).set('keys', Buffer.from(JSON.stringify([note])))
    return { log: { ...made, files }, told: ['signature'] }
  }),
  tampering(
    'rc-tamper-quiet-key',
    'Announce a key beside the log, and not in it',
    async (duel, log) => {
      const signer = await ownSigner(duel.plane.site, duel.victim)
      const next = logSigner(log.origin, newSeed())
      const from = new Date().toISOString()
      const note = announceKey({ origin: log.origin, key: next.key, from }, signer, next)
      const made = madeLog(log, log.entries, by(next))
      const files = new Map(made.files).set('keys', Buffer.from(JSON.stringify([note])))
      return { log: { ...made, files }, told: ['key'] }
    },
  ),
  tampering(
    'rc-tamper-other-log',
    'Serve the log of another tenant in its place',
    async (duel) => ({
      log: await takeLog(duel, duel.attacker),
      told: ['signature'],
    }),
  ),
]
