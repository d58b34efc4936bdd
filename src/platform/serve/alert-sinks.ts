import type { AlertSink } from '../../alerts/alert-sink.ts'
import { platformOutside } from '../../alerts/outside.ts'
import { pagerDutySink } from '../../alerts/pagerduty-sink.ts'
import { serviceNowSink } from '../../alerts/servicenow-sink.ts'
import { webhookSink } from '../../alerts/webhook-sink.ts'
import { parseWebhookSecret } from '../../http/standard-webhooks.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { readSecret } from './served.ts'

type SinkSpec = PlaneSpec<'records'>['alerts'][number]

/** Who is told of the platform's alerts. @throws RingfenceError `invalid_manifest`, `invalid_argument` */
export function platformSinks(specs: readonly SinkSpec[]): Promise<readonly AlertSink[]> {
  return Promise.all(specs.map(sinkOf))
}

async function sinkOf(spec: SinkSpec): Promise<AlertSink> {
  const common = { owner: 'platform', name: spec.name, outside: platformOutside() } as const
  if (spec.kind === 'webhook') {
    const texts = await Promise.all(spec.secretFiles.map(readSecret))
    return webhookSink({ ...common, url: spec.url, secrets: texts.map(parseWebhookSecret) })
  }
  if (spec.kind === 'pagerduty') {
    return pagerDutySink({ ...common, routingKey: await readSecret(spec.routingKeyFile) })
  }
  const { instance, authorizationFile, fields } = spec
  // Read each time: a token there is replaced while we run.
  return serviceNowSink({
    ...{ ...common, instance, fields },
    authorization: () => readSecret(authorizationFile),
  })
}
