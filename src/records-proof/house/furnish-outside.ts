import { ownerOf } from '../../alerts/alert.ts'
import { platformOutside } from '../../alerts/outside.ts'
import { logOf } from '../../audit/entry.ts'
import { alertSinkInputSchema } from '../../records/alert-sinks/alert-sink-settings.ts'
import { TenantAlertSinks } from '../../records/alert-sinks/tenant-alert-sinks.ts'
import { sinkInputSchema } from '../../records/streams/sink-settings.ts'
import { Sinks } from '../../records/streams/sinks.ts'
import type { Site } from './site.ts'
import { newWebhookSecret } from './secrets.ts'

/** What the sinks of every tenant are called, for its log and for its alerts: names tell nobody apart. */
export const SINK = 'siem'
/** What is wrong with every tenant. */
export const FIRING = 'seats-spent'
/** Of a host that there is not, nor will be (RFC 2606): nobody outside is called in a rehearsal. */
export const OUTSIDE = 'https://sinks.records-proof.example'
/** Where no log of a rehearsal ends: nothing is sent from there. */
const NOT_YET = 1_000_000_000
const DAY_MS = 86_400_000

/** Gives every tenant sinks of its log and of its alerts, and an alert that fires and is told to nobody. */
export async function furnishOutside(site: Site): Promise<void> {
  const { ground, keys, records, billingRows, alerts } = site
  const logSinks = new Sinks(records, keys)
  const alertSinks = new TenantAlertSinks({
    ...{ database: billingRows, keys, mail: undefined, outside: platformOutside() },
    isActive: () => true,
  })
  for (const { tenant, sinkCanary, usageCanary: summary } of ground.parties) {
    const by = { subject: 'alice', requestId: `sinks-of-${tenant}` }
    const url = `${OUTSIDE}/${sinkCanary}`
    const ofLog = { kind: 'webhook', url, secret: newWebhookSecret() }
    await logSinks.put(
      logOf(tenant),
      SINK,
      sinkInputSchema.parse({ sink: ofLog }).sink,
      NOT_YET,
      by,
    )
    const ofAlerts = { kind: 'webhook', url, secrets: [newWebhookSecret()] }
    await alertSinks.put(tenant, SINK, alertSinkInputSchema.parse({ sink: ofAlerts }).sink, by)
    const until = new Date(Date.now() + DAY_MS)
    await alerts.silence(ownerOf(tenant), { name: FIRING, until, by: 'alice', reason: 'known' })
    const signal = { name: FIRING, tenant, severity: 'warning', state: 'firing' } as const
    await alerts.signal({ ...signal, at: new Date(), summary })
  }
}

/** Keeps what was furnished, so that it can be put back whatever a strike does to it. */
export async function keepSinks({ admin }: Pick<Site, 'admin'>): Promise<void> {
  await admin.query('create schema furnished')
  await admin.query('create table furnished.stream_sink as table records.stream_sink')
  await admin.query('create table furnished.alert_sink as table alerts.sink')
}

/** Sinks as they were furnished. Nothing is entered of it. */
export async function putSinksBack({ admin }: Pick<Site, 'admin'>): Promise<void> {
  await admin.transaction(async ({ client }) => {
    await client.query('delete from records.stream_sink')
    await client.query('insert into records.stream_sink table furnished.stream_sink')
    await client.query('delete from alerts.sink')
    await client.query('insert into alerts.sink table furnished.alert_sink')
  })
}
