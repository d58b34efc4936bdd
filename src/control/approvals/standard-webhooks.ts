import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { verifySignature } from '../../http/standard-webhooks.ts'

export {
  parseWebhookSecret,
  signWebhook,
  WEBHOOK_WINDOW_SECONDS,
  type WebhookHeaders,
  type WebhookSecret,
} from '../../http/standard-webhooks.ts'

const decisionMessage = z.object({
  type: z.literal('approval.decided'),
  data: z.object({
    approval: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/),
    approve: z.boolean(),
    // One line, so that nobody writes a second one into a record; and in the one spelling in which
    // operators are named, so that nobody passes for another by case.
    decided_by: z
      .string()
      .regex(/^[^\p{Cc}\p{Cs}]{1,100}$/u)
      .transform((name) => name.trim().toLowerCase()),
    comment: z
      .string()
      .regex(/^[^\p{Cc}\p{Cs}]{1,1000}$/u)
      .optional(),
  }),
})
export type WebhookDecision = z.infer<typeof decisionMessage>['data']

/**
 * A decision, once its signature and time are good. Whether its id was seen before is the caller's to
 * know: it enters the id in the transaction in which the decision is made.
 * @throws RingfenceError `not_authenticated` (unsigned, forged, outside the window),
 *   `invalid_argument` (signed, but not a decision)
 */
export function verifyWebhook(
  secrets: readonly string[],
  headers: Readonly<Record<string, string>>,
  body: string,
  now: Date = new Date(),
): { readonly id: string; readonly decision: WebhookDecision } {
  const id = verifySignature(secrets, headers, body, now)
  return { id, decision: decisionOf(body) }
}

function decisionOf(body: string): WebhookDecision {
  try {
    return decisionMessage.parse(JSON.parse(body)).data
  } catch (error) {
    throw new RingfenceError('invalid_argument', 'the message is not an approval.decided', {
      detail: messageOf(error),
      cause: error,
    })
  }
}
