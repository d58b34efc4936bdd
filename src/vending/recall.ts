import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { readLine } from '../journal/journal-line.ts'
import { pagesOf } from '../journal/pages.ts'
import { type JournalEntry, journalEntrySchema } from './journal-entry.ts'

/**
 * What the journal says since a moment, oldest first: so that a process that starts knows which
 * leases live and which assertions were used before it. Lines that cannot be read are passed over:
 * only the last of a page can be torn, and nobody was answered for it.
 */
export async function recall(directory: string, since: Date): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = []
  for (const { path } of (await pagesOf(directory)).toReversed()) {
    const entries = await entriesOf(path)
    found.unshift(...entries.filter((entry) => new Date(entry.at) >= since))
    const first = entries[0]
    if (first !== undefined && new Date(first.at) < since) break
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
