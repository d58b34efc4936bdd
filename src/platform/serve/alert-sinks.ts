import type { AlertSink } from '../../alerts/alert-sink.ts'
import { type AlertMail, mailSink } from '../../alerts/mail-sink.ts'
import { platformOutside } from '../../alerts/outside.ts'
import { pagerDutySink } from '../../alerts/pagerduty-sink.ts'
import { serviceNowSink } from '../../alerts/servicenow-sink.ts'
import { webhookSink } from '../../alerts/webhook-sink.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseWebhookSecret } from '../../http/standard-webhooks.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { readSecret } from './served.ts'

type SinkSpec = PlaneSpec<'records'>['alerts'][number]

/** Who is told of the platform's alerts. @throws RingfenceError `invalid_manifest`, `invalid_argument` */
export function platformSinks(
  specs: readonly SinkSpec[],
  mail: AlertMail | undefined,
): Promise<readonly AlertSink[]> {
  return Promise.all(specs.map((spec) => sinkOf(spec, mail)))
}

async function sinkOf(spec: SinkSpec, mail: AlertMail | undefined): Promise<AlertSink> {
  const common = { owner: 'platform', name: spec.name, outside: platformOutside() } as const
  if (spec.kind === 'webhook') {
    const texts = await Promise.all(spec.secretFiles.map(readSecret))
    return webhookSink({ ...common, url: spec.url, secrets: texts.map(parseWebhookSecret) })
  }
  if (spec.kind === 'pagerduty') {
    return pagerDutySink({ ...common, routingKey: await readSecret(spec.routingKeyFile) })
  }
  if (spec.kind === 'mail') {
    if (mail === undefined) {
      throw new RingfenceError('invalid_manifest', `alert sink ${spec.name}: mail is not set up`)
    }
    return mailSink({ owner: 'platform', name: spec.name, to: spec.to, mail })
  }
  const { instance, authorizationFile, fields } = spec
  // Read each time: a token there is replaced while we run.
  return serviceNowSink({
    ...{ ...common, instance, fields },
    authorization: () => readSecret(authorizationFile),
  })
}
