import { journalSender } from '../../audit/journal-sender.ts'
import { Journal } from '../../journal/journal.ts'
import { Shipper } from '../../journal/shipper.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import type { PlaneSpec } from '../plane-config.ts'
import type { Log } from './served.ts'

export interface OpenJournal {
  readonly journal: Journal
  /** What usage is reported under; undefined when nobody takes it. */
  readonly usageSource: string | undefined
  /** After whoever writes to it. */
  close(): Promise<void>
}

/**
 * A plane's journal on its own disk, and, when it is told where the records plane is, who sends it on.
 * @throws RingfenceError `not_writable`
 */
export async function openJournal(
  directory: string,
  records: PlaneSpec<'vending'>['records'],
  log: Log,
): Promise<OpenJournal> {
  const journal = await Journal.open({ directory })
  if (records === undefined) {
    return { journal, usageSource: undefined, close: () => journal.close() }
  }
  const { address, audience, client, key, source } = records
  const send = journalSender({
    ...{ records: address, audience, client, source },
    key: await readOrMakeSigningKey(key, 'ES256'),
  })
  const shipper = await Shipper.start({ journal, send, log })
  return {
    journal,
    usageSource: `/ringfence/${client}/${source}`,
    async close() {
      await shipper.close()
      await journal.close()
    },
  }
}
