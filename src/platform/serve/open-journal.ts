import { setTimeout as sleep } from 'node:timers/promises'
import { journalSender } from '../../audit/journal-sender.ts'
import { Journal } from '../../journal/journal.ts'
import { Shipper } from '../../journal/shipper.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import type { PlaneSpec } from '../plane-config.ts'
import type { Log } from './served.ts'

/** For what was written last. Who ends has no longer, and leaves the rest to whoever has its journal next. */
const LAST_MS = 3_000
const LOOK_MS = 20

export interface OpenJournal {
  readonly journal: Journal
  /** What usage is reported under; undefined when nobody takes it. */
  readonly usageSource: string | undefined
  /** After whoever writes to it. */
  close(): Promise<void>
}

/**
 * A plane's journal on its own disk, and, when it is told where the records plane is, who sends it on.
 * @param handedOverTo as in `ShipperOptions`
 * @throws RingfenceError `not_writable`
 */
export async function openJournal(
  directory: string,
  records: PlaneSpec<'vending'>['records'],
  log: Log,
  handedOverTo?: () => number | undefined,
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
  const shipper = await Shipper.start({
    ...{ journal, send, log },
    ...(handedOverTo === undefined ? {} : { handedOverTo }),
  })
  return {
    journal,
    usageSource: `/ringfence/${client}/${source}`,
    async close() {
      await sentOn(shipper)
      await shipper.close()
      await journal.close()
    },
  }
}

/** Waits until all is sent, while the records plane takes it. */
async function sentOn(shipper: Shipper): Promise<void> {
  for (const end = performance.now() + LAST_MS; performance.now() < end; await sleep(LOOK_MS)) {
    const { bytes, trouble } = await shipper.lag()
    if (bytes === 0 || trouble !== undefined) return
  }
}
