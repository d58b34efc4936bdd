import type { AlertSink } from '../../alerts/alert-sink.ts'
import type { Owner } from '../../alerts/alert.ts'
import { type AlertMail, mailSink } from '../../alerts/mail-sink.ts'
import type { Outside } from '../../alerts/outside.ts'
import { pagerDutySink } from '../../alerts/pagerduty-sink.ts'
import { serviceNowSink } from '../../alerts/servicenow-sink.ts'
import { webhookSink } from '../../alerts/webhook-sink.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseWebhookSecret } from '../../http/standard-webhooks.ts'
import {
  type AlertSinkSecrets,
  type AlertSinkSettings,
  parseAlertSecrets,
} from './alert-sink-settings.ts'

export interface AlertSinkWays {
  /** How the outside is reached on a tenant's word. */
  readonly outside: Outside
  /** To whom may be mailed. Absent: no mail leaves here. */
  readonly mail: AlertMail | undefined
}

/** @throws RingfenceError `invalid_argument` for a place that a tenant's alerts may not be sent to */
export function makeAlertSink(
  { owner, name }: { readonly owner: Owner; readonly name: string },
  settings: AlertSinkSettings,
  secrets: AlertSinkSecrets,
  { outside, mail }: AlertSinkWays,
): AlertSink {
  const common = { owner, name, outside }
  if (settings.kind === 'webhook') {
    const own = parseAlertSecrets('webhook', secrets).secrets.map(parseWebhookSecret)
    return webhookSink({ ...common, url: settings.url, secrets: own })
  }
  if (settings.kind === 'pagerduty') {
    const { routingKey } = parseAlertSecrets('pagerduty', secrets)
    return pagerDutySink({ ...common, routingKey, region: settings.region })
  }
  if (settings.kind === 'servicenow') {
    const { authorization } = parseAlertSecrets('servicenow', secrets)
    const { instance, fields } = settings
    return serviceNowSink({ ...common, instance, fields, authorization: () => authorization })
  }
  if (mail === undefined) {
    throw new RingfenceError('invalid_argument', 'no mail is sent here: use another kind of sink')
  }
  return mailSink({ owner, name, to: settings.to, mail })
}
