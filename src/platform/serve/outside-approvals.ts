import type { Receiver } from '../../control/approvals/receiver.ts'
import { serviceNowReceiver } from '../../control/approvals/servicenow-receiver.ts'
import {
  parseWebhookSecret,
  verifyWebhook,
  type WebhookSecret,
} from '../../control/approvals/standard-webhooks.ts'
import { webhookReceiver } from '../../control/approvals/webhook-receiver.ts'
import type { DecisionReader } from '../../control/registered-approvals.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { readSecret } from './served.ts'

const WEBHOOK = 'webhook'
const SERVICENOW = 'servicenow'

export interface OutsideApprovals {
  /** Who is told of approvals and changes. */
  readonly receivers: readonly Receiver[]
  /** Reads decisions that come back by webhook; undefined when none are taken. */
  readonly readDecision: DecisionReader | undefined
}

/** Who outside is told of approvals and changes, and decides, as the configuration says. */
export async function outsideApprovals(
  spec: PlaneSpec<'control'>['approvals'],
): Promise<OutsideApprovals> {
  const secrets = await webhookSecrets(spec)
  return {
    receivers: await receiversOf(spec, secrets),
    readDecision: secrets.length === 0 ? undefined : readerOf(secrets),
  }
}

async function webhookSecrets(
  spec: PlaneSpec<'control'>['approvals'],
): Promise<readonly WebhookSecret[]> {
  const files = spec.webhook?.secretFiles ?? []
  return Promise.all(files.map(async (file) => parseWebhookSecret(await readSecret(file))))
}

async function receiversOf(
  spec: PlaneSpec<'control'>['approvals'],
  secrets: readonly WebhookSecret[],
): Promise<readonly Receiver[]> {
  const receivers: Receiver[] = []
  if (spec.webhook !== undefined) {
    receivers.push(webhookReceiver({ name: WEBHOOK, url: spec.webhook.url, secrets }))
  }
  const now = spec.serviceNow
  if (now !== undefined) {
    receivers.push(
      serviceNowReceiver({
        name: SERVICENOW,
        instance: now.instance,
        // Read at each call, so that it can be replaced while the process runs.
        authorization: () => readSecret(now.authorizationFile),
        fields: now.fields,
      }),
    )
  }
  return receivers
}

function readerOf(secrets: readonly WebhookSecret[]): DecisionReader {
  return (headers, body) => {
    const { id, decision } = verifyWebhook(secrets, headers, body)
    const { approval, approve, comment, decided_by } = decision
    return { id, approval, approve, comment, channel: WEBHOOK, decidedBy: decided_by }
  }
}
