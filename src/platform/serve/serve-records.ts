import type { Category } from '../../audit/entry.ts'
import { listen } from '../../http/listen.ts'
import { openMailer } from '../../identity/mail/open-mailer.ts'
import { FileAnchor } from '../../records/log/file-anchor.ts'
import { KeyEncryptionKeys } from '../../records/log/key-encryption.ts'
import { openRecords } from '../../records/open-records.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import { SnapshotFollower } from '../../snapshot/snapshot-follower.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { parseVerifierKey } from '../../transparency/verifier-key.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { alertMail } from './alert-mail.ts'
import { platformSinks } from './alert-sinks.ts'
import { platformAuditSinks } from './audit-sinks.ts'
import { cellCosts } from './cell-costs.ts'
import { followerOptions, revocationOptions } from './follower-options.ts'
import { invoicingParts } from './invoicing-parts.ts'
import { witnessOf } from './log-witness.ts'
import type { Measures } from './measured.ts'
import { databaseSettings, readSecret, type Served } from './served.ts'

/** What each plane has a hand in: with its key nobody enters other acts. */
const CATEGORIES: Readonly<Record<'gateway' | 'vending', readonly Category[]>> = {
  gateway: ['decision', 'detection'],
  vending: ['lease'],
}

/** The records plane: what is kept of tenants, and read by them alone. */
export async function serveRecords(
  spec: PlaneSpec<'records'>,
  version: string,
  { log, telemetry }: Measures,
): Promise<Served> {
  const source = await SnapshotFollower.open(await followerOptions(spec, log))
  const closing: (() => Promise<void>)[] = [() => source.close()]
  const close = async () => {
    for (const one of closing.splice(0).toReversed()) await one()
  }
  try {
    const revocations = await RevocationFollower.open(await revocationOptions(spec, log))
    closing.push(() => revocations.close())
    const mailer = spec.mail && openMailer(spec.mail)
    if (mailer !== undefined) closing.push(() => mailer.close())
    const mail = mailer && alertMail(mailer)
    const records = await openRecords({
      database: await databaseSettings(spec.database),
      source,
      revocations,
      service: spec.service,
      audience: spec.audience,
      planes: spec.planes.map(({ plane, client, keys }) => ({
        ...{ client, keys: new KeySet(keys), categories: CATEGORIES[plane] },
      })),
      keys: await KeyEncryptionKeys.read(spec.keysFile),
      origin: spec.origin,
      control: spec.control,
      issuer: spec.issuer,
      ...(await invoicingParts(spec.invoicing)),
      requestLogDirectory: spec.requestLogDirectory,
      regions: await Promise.all(
        spec.regions.map(async ({ region, database }) => ({
          region,
          database: database && (await databaseSettings(database)),
        })),
      ),
      ...(spec.costs === undefined ? {} : { costs: cellCosts(spec.costs) }),
      sinks: await platformSinks(spec.alerts, mail),
      alertMail: mail,
      own: spec.own,
      version,
      auditSinks: await platformAuditSinks(spec.auditSinks),
      witnesses: spec.auditWitnesses.map(({ url, key }) => ({ url, key: parseVerifierKey(key) })),
      anchors: spec.auditAnchors.map(({ directory }) => new FileAnchor(directory)),
      ...(spec.witness === undefined ? {} : { witness: await witnessOf(spec.witness) }),
      ...(spec.usage.stream === undefined ? {} : { usageStream: spec.usage.stream }),
      usageDaysKept: spec.usage.daysKept,
      behaviour: spec.behaviour,
      promises: spec.promises && (await promisesOf(spec.promises)),
      telemetry,
      log,
    })
    closing.push(() => records.close())
    const intake = await listen(records.intake.fetch, spec.intake)
    closing.push(() => intake.close())
    if (spec.witness !== undefined && records.witness !== undefined) {
      const witness = await listen(records.witness, spec.witness.listen)
      closing.push(() => witness.close())
    }
    if (spec.invoicing.stripe !== undefined && records.payments !== undefined) {
      const payments = await listen(records.payments.fetch, spec.invoicing.stripe.listen)
      closing.push(() => payments.close())
    }
    const tenants = await listen(records.tenants.fetch, spec.listen)
    closing.push(() => tenants.close())
    return { url: tenants.url, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function promisesOf({ slos, gateways }: NonNullable<PlaneSpec<'records'>['promises']>) {
  const processes = await Promise.all(
    gateways.map(async ({ address, tokenFile }) => ({
      address,
      ...(tokenFile === undefined ? {} : { token: await readSecret(tokenFile) }),
    })),
  )
  return { slos, gateways: processes }
}
