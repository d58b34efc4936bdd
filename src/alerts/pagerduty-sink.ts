import { RingfenceError } from '../core/errors.ts'
import type { AlertSink } from './alert-sink.ts'
import type { Owner, Severity } from './alert.ts'
import type { NoticedAlert } from './notice.ts'
import type { Outside } from './outside.ts'

/**
 * PagerDuty's Events API v2: `POST /v2/enqueue` with `routing_key`, `event_action` (`trigger` or
 * `resolve`), `dedup_key` and, for a trigger, `payload` with `summary` (1 024 characters at most),
 * `source`, `severity` (`critical`, `error`, `warning`, `info`), `timestamp`, `class`, `group`,
 * `custom_details`. It answers 202; 400 for an event that it does not understand, 429 when there are too many.
 */
const HOSTS = { us: 'https://events.pagerduty.com', eu: 'https://events.eu.pagerduty.com' } as const
const ROUTING_KEY = /^[A-Za-z0-9]{32}$/
const SUMMARY_CHARACTERS_MAX = 1_024

export interface PagerDutySinkOptions {
  readonly owner: Owner
  readonly name: string
  /** Secret. */
  readonly routingKey: string
  /** Default `us`. */
  readonly region?: keyof typeof HOSTS
  /** Where events are taken instead, for the platform's own. */
  readonly url?: string
  readonly outside: Outside
}

const SEVERITY: Readonly<Record<Severity, string>> = {
  info: 'info',
  warning: 'warning',
  critical: 'critical',
}

/** One event for each alert; PagerDuty joins those of one fingerprint. @throws RingfenceError `invalid_argument` */
export function pagerDutySink(options: PagerDutySinkOptions): AlertSink {
  const { owner, name, routingKey, region = 'us', outside } = options
  const url = outside.url(options.url ?? `${HOSTS[region]}/v2/enqueue`)
  if (!ROUTING_KEY.test(routingKey)) {
    throw new RingfenceError('invalid_argument', 'a routing key has 32 letters and digits')
  }
  const enqueue = async (event: object): Promise<void> => {
    const { status } = await outside.send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ routing_key: routingKey, ...event }),
    })
    if (status === 202) return
    if (status === 400) throw new RingfenceError('conflict', 'PagerDuty refuses the event (400)')
    throw new RingfenceError('engine_unavailable', `PagerDuty answered ${status}`)
  }
  const source = `ringfence/${owner}`
  return {
    owner,
    name,
    async deliver(notice) {
      for (const alert of notice.firing) await enqueue(trigger(notice.name, source, alert))
      for (const { fingerprint } of notice.resolved) {
        await enqueue({ event_action: 'resolve', dedup_key: fingerprint })
      }
    },
  }
}

function trigger(name: string, source: string, alert: NoticedAlert): object {
  const { fingerprint, severity, summary, since, labels, detail } = alert
  return {
    event_action: 'trigger',
    dedup_key: fingerprint,
    payload: {
      summary: summary.slice(0, SUMMARY_CHARACTERS_MAX),
      source,
      severity: SEVERITY[severity],
      timestamp: since,
      class: name,
      custom_details: { ...labels, ...(detail === undefined ? {} : { detail }) },
    },
  }
}
