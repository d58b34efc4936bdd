// Reads a proxy's access log into a journal, until it is killed.
import { AccessLogReader } from '../../src/external-authorization/access-log-reader.ts'
import { UsageSeal } from '../../src/external-authorization/usage-seal.ts'
import { Journal } from '../../src/journal/journal.ts'
import { JournalUsageSink } from '../../src/usage/journal-usage-sink.ts'
import { SECRET } from './proxy-front.ts'

const [file = '', directory = '', proxy = ''] = process.argv.slice(2)
const journal = await Journal.open({ directory })
await AccessLogReader.open({
  ...{ proxy, file, everyMs: 5, seal: new UsageSeal(SECRET) },
  directory: `${directory}/${proxy}`,
  source: `/ringfence/gateway/proxies/${proxy}`,
  sink: new JournalUsageSink(journal),
  log: (line) => process.stderr.write(`${line}\n`),
})
process.stdout.write('reads\n')
