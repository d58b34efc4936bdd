import { JournalAuditWriter } from '../../audit/journal-audit-writer.ts'
import { JournalUsageSink } from '../../usage/journal-usage-sink.ts'
import { LineBatch } from '../../gateway/line-batch.ts'
import { ProcessorTime } from '../../gateway/processor-time.ts'
import { openTls, type OpenTls } from '../../edge/open-tls.ts'
import { RequestLogDirectory } from '../../gateway/request-log-directory.ts'
import { openGateway, type OpenGatewayOptions } from '../../gateway/open-gateway.ts'
import { tuneProcess } from '../../gateway/tune-process.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import { SnapshotFollower } from '../../snapshot/snapshot-follower.ts'
import { saturationOf } from '../../telemetry/metrics/saturation.ts'
import { upstreamGuard } from '../../upstreams/upstream-guard.ts'
import type { RedisStore } from '../../limits/redis/redis-store.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { followerOptions, revocationOptions } from './follower-options.ts'
import { type OpenJournal, openJournal } from './open-journal.ts'
import { openBesides, openSharedLimits, recorderOf } from './gateway-besides.ts'
import type { Measures } from './measured.ts'
import { openProxyUsage, type ProxyUsage } from './proxy-usage.ts'
import type { Served } from './served.ts'

/** The front door. It starts and serves with its last configuration, whoever else is down. */
export async function serveGateway(
  spec: PlaneSpec<'gateway'>,
  { log, telemetry }: Measures,
  more: Pick<OpenGatewayOptions, 'proofs' | 'readyMs'> = {},
): Promise<Served> {
  tuneProcess()
  const source = await SnapshotFollower.open(await followerOptions(spec, log))
  const files = spec.requestLog && new RequestLogDirectory({ ...spec.requestLog, log })
  const lines = new LineBatch((text) => {
    log(text)
    files?.write(text)
  })
  let revocations: RevocationFollower | undefined
  let tls: OpenTls | undefined
  let shared: RedisStore | undefined
  let entered: OpenJournal | undefined
  let time: ProcessorTime | undefined
  let carried: ProxyUsage | undefined
  const letGo = async () => {
    await carried?.close()
    await time?.close()
    await entered?.close()
    await tls?.close()
    await shared?.close()
    lines.close()
    files?.close()
    await revocations?.close()
    await source.close()
  }
  try {
    revocations = await RevocationFollower.open(await revocationOptions(spec, log))
    if (spec.tls !== undefined) {
      tls = await openTls(spec.tls, source, (event) =>
        log(JSON.stringify({ level: 'info', ...event })),
      )
    }
    shared = await openSharedLimits(spec, log)
    const recordQuestion = recorderOf(spec, log)
    if (spec.journalDirectory !== undefined) {
      entered = await openJournal(spec.journalDirectory, spec.records, log)
    }
    carried = await openProxyUsage(spec, log)
    time = processorTimeOf(entered, log)
    const door = await openGateway({
      ...enteredBy(entered, time),
      ...(telemetry === undefined ? {} : { telemetry: telemetry.server }),
      ...more,
      ...(shared === undefined ? {} : { sharedLimits: shared }),
      ...(recordQuestion === undefined ? {} : { recordQuestion }),
      upstreamGuard: upstreamGuard(spec.upstreams),
      ...(tls === undefined ? {} : { certificates: tls.certificates }),
      ...(spec.trustedProxies === undefined ? {} : { trustedProxies: spec.trustedProxies }),
      ...(spec.hosts === undefined ? {} : { hosts: spec.hosts }),
      source,
      revocations,
      publicProtocol: spec.publicProtocol,
      contextKey: await readOrMakeSigningKey(spec.contextKey, 'ES256'),
      listen: spec.listen,
      admin: spec.admin,
      log: (line) => lines.add(line),
    })
    const { journal } = entered ?? {}
    telemetry?.registry.add(
      saturationOf({
        ...door.pools,
        ...(journal === undefined ? {} : { journal: () => journal.load }),
      }),
    )
    const besides = await openBesides(spec, door, { source, revocations }, log).catch(
      async (error: unknown) => {
        await door.close()
        throw error
      },
    )
    return {
      url: door.url,
      async close() {
        await besides.close()
        await door.close()
        await letGo()
      },
    }
  } catch (error) {
    await letGo()
    throw error
  }
}

/** What is decided is entered, and, where somebody takes it, what tenants use. */
function enteredBy(
  entered: OpenJournal | undefined,
  time: ProcessorTime | undefined,
): Pick<OpenGatewayOptions, 'audit' | 'usage'> {
  if (entered === undefined) return {}
  const { journal, usageSource } = entered
  const audit = new JournalAuditWriter(journal)
  if (usageSource === undefined || time === undefined) return { audit }
  return { audit, usage: { sink: time, source: usageSource } }
}

/** Usage on its way to the journal, and with it whom this process works for. */
function processorTimeOf(
  entered: OpenJournal | undefined,
  log: Measures['log'],
): ProcessorTime | undefined {
  if (entered?.usageSource === undefined) return undefined
  const { journal, usageSource: source } = entered
  return new ProcessorTime({ sink: new JournalUsageSink(journal), source, log })
}
