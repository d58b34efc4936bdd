import { z } from 'zod'
import { parsed } from '../../core/parsed.ts'
import { parseWebhookSecret } from '../../http/standard-webhooks.ts'

/** Lower-case words and digits, as a sink is called by whoever made it. */
export const alertSinkNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  url: z.string().min(1).max(2_000),
})
/** One address in ASCII, in the form in which addresses are compared. */
const mailAddressSchema = z
  .email()
  .max(254)
  .regex(/^[^@]{1,64}@/)
  .toLowerCase()
const mail = z.strictObject({
  kind: z.literal('mail'),
  to: z.array(mailAddressSchema).min(1).max(5),
})
const pagerduty = z.strictObject({
  kind: z.literal('pagerduty'),
  region: z.enum(['us', 'eu']).default('us'),
})
const servicenow = z.strictObject({
  kind: z.literal('servicenow'),
  instance: z.string().min(1).max(500),
  /** What the instance wants on every incident, such as `assignment_group`. */
  fields: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,79}$/), z.string().max(200))
    .refine((fields) => Object.keys(fields).length <= 10, 'too many fields')
    .default({}),
})

/** Where a sink is. There is no secret in it. */
export const alertSinkSettingsSchema = z.discriminatedUnion('kind', [
  webhook,
  mail,
  pagerduty,
  servicenow,
])
export type AlertSinkSettings = z.output<typeof alertSinkSettingsSchema>
export type AlertSinkKind = AlertSinkSettings['kind']

/** Goes into a header of its own. */
const headerValue = z
  .string()
  .min(1)
  .max(1_000)
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/)
const SECRETS = {
  webhook: z.strictObject({
    /** All of them sign, so that one can be replaced while both are known. */
    secrets: z.array(parsed(parseWebhookSecret)).min(1).max(3),
  }),
  mail: z.strictObject({}),
  pagerduty: z.strictObject({ routingKey: z.string().regex(/^[A-Za-z0-9]{32}$/) }),
  servicenow: z.strictObject({ authorization: headerValue }),
} as const
export type AlertSinkSecrets<K extends AlertSinkKind = AlertSinkKind> = z.output<
  (typeof SECRETS)[K]
>

/** @throws ZodError for what is not a sink's of that kind */
export function parseAlertSecrets<K extends AlertSinkKind>(
  kind: K,
  value: unknown,
): AlertSinkSecrets<K> {
  return SECRETS[kind].parse(value) as AlertSinkSecrets<K>
}

/** What somebody sends to make a sink, or to change it: all of it, secrets too. */
export const alertSinkInputSchema = z.strictObject({
  sink: z.discriminatedUnion('kind', [
    webhook.extend(SECRETS.webhook.shape),
    mail,
    pagerduty.extend(SECRETS.pagerduty.shape),
    servicenow.extend(SECRETS.servicenow.shape),
  ]),
})
export type AlertSinkInput = z.output<typeof alertSinkInputSchema>['sink']

/** What whoever reads a sink's mail has told. */
export const confirmationSchema = z.strictObject({
  address: mailAddressSchema,
  code: z.string().min(1).max(40),
})

/** Parts what may be shown from what may not. */
export function partedAlertSink(sink: AlertSinkInput): {
  readonly settings: AlertSinkSettings
  readonly secrets: AlertSinkSecrets
} {
  if (sink.kind === 'webhook') {
    const { secrets, ...settings } = sink
    return { settings, secrets: { secrets } }
  }
  if (sink.kind === 'pagerduty') {
    const { routingKey, ...settings } = sink
    return { settings, secrets: { routingKey } }
  }
  if (sink.kind === 'servicenow') {
    const { authorization, ...settings } = sink
    return { settings, secrets: { authorization } }
  }
  return { settings: sink, secrets: {} }
}
