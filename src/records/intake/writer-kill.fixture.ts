import { auditLine } from '../../audit/journal-audit-writer.ts'
import { journalSender } from '../../audit/journal-sender.ts'
import { makeEntry } from '../../audit/make-entry.ts'
import { parseClientId } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { Journal } from '../../journal/journal.ts'
import { Shipper } from '../../journal/shipper.ts'
import { SigningKey } from '../../tokens/signing-key.ts'

// Writes entries as fast as it can, says which are on the disk, and sends them on, until it is killed.
const [directory = '', records = '', jwk = ''] = process.argv.slice(2)
const journal = await Journal.open({ directory, bytesMax: 20_000 })
await Shipper.start({
  journal,
  send: journalSender({
    records,
    audience: 'ringfence-records',
    client: parseClientId('ringfence-gateway'),
    key: await SigningKey.fromJwk(JSON.parse(jwk)),
    source: 'one',
  }),
  log: () => {},
  batchBytes: 64 * 1024,
  delayMsMax: 50,
  keepMs: -1,
})
const tenants = ['acme', 'globex'].map(parseTenantId)
const write = async () => {
  for (let n = 0; ; n += 1) {
    const entry = makeEntry({
      tenant: tenants[n % 2],
      category: 'decision',
      action: 'request.denied',
      actor: { kind: 'unknown', id: 'unknown' },
      decision: 'denied',
      layer: 'token',
    })
    await journal.append([auditLine(entry)])
    process.stdout.write(`${entry.id}\n`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
await Promise.all(Array.from({ length: 4 }, write))
