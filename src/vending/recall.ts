import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { readLine } from '../journal/journal-line.ts'
import { pagesOf } from '../journal/pages.ts'
import { type JournalEntry, journalEntrySchema } from './journal-entry.ts'

/**
 * The last of what the journal says, oldest first: so that a process that starts knows which leases
 * live and which assertions were used before it. Lines that cannot be read are passed over: only the
 * last of a page can be torn, and nobody was answered for it.
 * @param ms how far it goes back from the last line: a clock that was set since leaves out nothing
 */
export async function recall(directory: string, ms: number): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = []
  let since: number | undefined
  for (const { path } of (await pagesOf(directory)).toReversed()) {
    const entries = await entriesOf(path)
    const newest = entries.at(-1)
    if (newest === undefined) continue
    const from = (since ??= Math.min(Date.now(), Date.parse(newest.at)) - ms)
    found.unshift(...entries.filter(({ at }) => Date.parse(at) >= from))
    if (Date.parse(entries[0]?.at ?? '') < from) break
  }
  return found
}

async function entriesOf(path: string): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = []
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
  for await (const text of lines) {
    const line = readLine(text)
    const entry = line?.kind === 'own' ? journalEntrySchema.safeParse(line.value).data : undefined
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}
