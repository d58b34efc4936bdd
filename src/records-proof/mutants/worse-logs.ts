import { type KeyObject, randomUUID } from 'node:crypto'
import { type LogName, logOf } from '../../audit/entry.ts'
import { unwrapped } from '../../records/log/data-keys.ts'
import { dataKeyOf, openEntry } from '../../records/log/envelope.ts'
import type { EnteredEntry, LogStore } from '../../records/log/log-store.ts'
import type { Pieces } from '../house/pieces.ts'
import type { Site } from '../house/site.ts'
import { inPlaceOf } from './in-place-of.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

function keeping(worse: (sound: LogStore, site: Site) => Partial<LogStore>): Pick<Pieces, 'logs'> {
  return { logs: (sound, site) => inPlaceOf(sound, worse(sound, site)) }
}

const namesOf = ({ ground }: Site) => ground.parties.map(({ tenant }) => logOf(tenant))

/** What stands in a log, as bytes. */
function bytesOf({ admin }: Site, log: LogName, from: number, most: number) {
  return admin.query<{ place: string; hash: Buffer; bytes: Buffer }>(
    `select place, hash, bytes from records.log_entry
     where log = $1 and place >= $2 order by place limit $3`,
    [log, from, most],
  )
}

/** All keys of a log that are there and can be unwrapped. */
async function keysOf({ logs }: Site, log: LogName, names: readonly string[]) {
  return logs.parts.database
    .transaction(({ client }) => unwrapped(client, logs.parts, log, names))
    .catch(() => new Map<string, KeyObject>())
}

/** Opens what it reads with whichever log's key opens it, and as that log's. */
function unbound(sound: LogStore, site: Site): Partial<LogStore> {
  return {
    async read(log, from, most) {
      const rows = await bytesOf(site, log, from, most)
      const names = [...new Set(rows.flatMap(({ bytes }) => dataKeyOf(bytes) ?? []))]
      const known = new Map<LogName, ReadonlyMap<string, KeyObject>>()
      for (const one of namesOf(site)) known.set(one, await keysOf(site, one, names))
      const any = (bytes: Buffer) => {
        for (const [one, keys] of known) {
          const entry = openEntry(one, bytes, keys.get(dataKeyOf(bytes) ?? ''))
          if (entry !== undefined) return entry
        }
        return undefined
      }
      return rows.map(
        ({ place, hash, bytes }): EnteredEntry => ({
          index: Number(place),
          entry: any(bytes),
          leafHash: hash,
        }),
      )
    },
    tile: (log, path) => sound.tile(log, path),
  }
}

/** Remembers every key that it has ever read with. */
function remembering(_sound: LogStore, site: Site): Partial<LogStore> {
  const kept = new Map<string, KeyObject>()
  return {
    async read(log, from, most) {
      const rows = await bytesOf(site, log, from, most)
      const names = [...new Set(rows.flatMap(({ bytes }) => dataKeyOf(bytes) ?? []))]
      for (const [name, key] of await keysOf(site, log, names)) {
        if (!kept.has(`${log} ${name}`)) kept.set(`${log} ${name}`, key)
      }
      return rows.map(
        ({ place, hash, bytes }): EnteredEntry => ({
          index: Number(place),
          entry: openEntry(log, bytes, kept.get(`${log} ${dataKeyOf(bytes) ?? ''}`)),
          leafHash: hash,
        }),
      )
    },
  }
}

/** Caches what it served under its path alone. */
function cachingTiles(sound: LogStore): Partial<LogStore> {
  const kept = new Map<string, Uint8Array>()
  return {
    async tile(log, path) {
      const found = kept.get(path) ?? (await sound.tile(log, path))
      if (found !== undefined) kept.set(path, found)
      return found
    },
  }
}

/** The shortest is kept: there is no log in which it names what is not there. */
function cachingCheckpoint(sound: LogStore): Partial<LogStore> {
  const size = (text: string | undefined) => Number(text?.split('\n')[1] ?? Infinity)
  let kept: string | undefined
  return {
    async checkpoint(log) {
      const own = await sound.checkpoint(log)
      if (size(own) < size(kept)) kept = own
      return kept
    },
  }
}

/** What comes again under an id that is taken is given another. */
function renaming(sound: LogStore): Partial<LogStore> {
  const taken = new Set<string>()
  return {
    append: (entries) =>
      sound.append(
        entries.map((entry) => {
          const id = taken.has(entry.id) ? randomUUID() : entry.id
          taken.add(id)
          return { ...entry, id }
        }),
      ),
  }
}

/** Where logs are kept with less care. */
export const WORSE_LOGS: readonly RecordsMutant[] = [
  mutant(
    'rc-read-together',
    'Entries are read by their places, and not by their log',
    ['rc-log-exported', 'rc-log-followed', 'rc-log-search'],
    keeping((sound, site) => ({
      async read(_log, from, most) {
        const all = await Promise.all(namesOf(site).map((log) => sound.read(log, from, most)))
        return all.flat().toSorted((a, b) => a.index - b.index)
      },
    })),
  ),
  mutant(
    'rc-tiles-by-path',
    'Tiles are cached by their path, whichever log they are of',
    ['rc-log-cached'],
    keeping(cachingTiles),
  ),
  mutant(
    'rc-checkpoint-for-all',
    'One checkpoint is kept for all logs',
    ['rc-log-cached'],
    keeping(cachingCheckpoint),
  ),
  mutant(
    'rc-entries-unbound',
    'What is encrypted is not bound to the log that it stands in, nor are keys',
    ['rc-spliced-entry', 'rc-spliced-key'],
    keeping(unbound),
  ),
  mutant(
    'rc-keys-remembered',
    'Keys are remembered when they have been shredded',
    ['rc-erased-read'],
    keeping(remembering),
  ),
  mutant(
    'rc-entries-renamed',
    'An entry that comes again is given another id',
    ['rc-journal-again'],
    keeping(renaming),
  ),
]
