import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RingfenceError } from '../../core/errors.ts'
import { AccessLogReader } from '../../external-authorization/access-log-reader.ts'
import { UsageSeal } from '../../external-authorization/usage-seal.ts'
import { RequestLogDirectory } from '../../gateway/request-log-directory.ts'
import { JournalUsageSink } from '../../usage/journal-usage-sink.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { openJournal } from './open-journal.ts'
import type { Log } from './served.ts'

/** Below the gateway's journal, and beside its requests: what other proxies carry has files of its own. */
const PROXIES = 'proxies'

type Spec = Pick<
  PlaneSpec<'gateway'>,
  'authorizers' | 'journalDirectory' | 'records' | 'requestLog'
>

export interface ProxyUsage {
  close(): Promise<void>
}

/**
 * Reads the access logs of the proxies that ask this gateway, into a journal of its own: how far that is
 * complete depends on them, and not on the gateway. Undefined where there are none.
 * @throws RingfenceError `invalid_manifest` when there is nobody to take what it reads
 */
export async function openProxyUsage(spec: Spec, log: Log): Promise<ProxyUsage | undefined> {
  const { authorizers, journalDirectory, records } = spec
  if (authorizers === undefined || authorizers.accessLogs.length === 0) return undefined
  if (journalDirectory === undefined || records === undefined) {
    throw new RingfenceError(
      'invalid_manifest',
      'access logs are read where there is a journal, and a records plane that takes it',
    )
  }
  const seal = new UsageSeal((await readFile(authorizers.secretFile, 'utf8')).trim())
  const directory = join(journalDirectory, PROXIES)
  const readers: AccessLogReader[] = []
  const entered = await openJournal(
    directory,
    { ...records, source: `${records.source}-${PROXIES}` },
    log,
    () => readTo(readers, authorizers.accessLogs.length),
  )
  const requests = requestLogOf(spec, log)
  const letGo = async () => {
    for (const reader of readers) await reader.close()
    await entered.close()
    requests?.close()
  }
  try {
    for (const { proxy, logFile } of authorizers.accessLogs) {
      readers.push(
        await AccessLogReader.open({
          ...{ proxy, file: logFile, seal, log },
          directory: join(directory, proxy),
          // Whichever gateway reads the log: what was read twice counts once.
          source: `/ringfence/${records.client}/${PROXIES}/${proxy}`,
          sink: new JournalUsageSink(entered.journal),
          ...(requests === undefined ? {} : { logged: requests.write }),
        }),
      )
    }
    return { close: letGo }
  } catch (error) {
    await letGo()
    throw error
  }
}

/** What is complete of all of them. */
function readTo(readers: readonly AccessLogReader[], count: number): number | undefined {
  const each = readers.map(({ lag }) => lag.readTo)
  if (each.length < count || each.includes(undefined)) return undefined
  return Math.min(...each.filter((one) => one !== undefined))
}

/** As a gateway's own, in the file of the day on which a request ended, whenever it is read. */
function requestLogOf({ requestLog }: Spec, log: Log) {
  if (requestLog === undefined) return undefined
  let day = 0
  const files = new RequestLogDirectory({
    directory: join(requestLog.directory, PROXIES),
    daysKept: requestLog.daysKept,
    now: () => day,
    log,
  })
  return {
    write: (at: Date, lines: string) => {
      day = at.getTime()
      files.write(lines)
    },
    close: () => files.close(),
  }
}
