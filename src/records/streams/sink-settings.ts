import { z } from 'zod'
import { parsed } from '../../core/parsed.ts'
import { parseWebhookSecret } from '../../http/standard-webhooks.ts'

/** Lower-case words and digits, as a sink is called by whoever made it. */
export const sinkNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)

/** Each entry as readers get it, or as OCSF has it. What was erased has no class there and is left out. */
const format = z.enum(['entries', 'ocsf']).default('entries')
const port = z.int().min(1).max(65_535)
const secretText = z.string().min(1).max(512)

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  url: z.string().min(1).max(2_000),
  format,
})
const syslog = z.strictObject({
  kind: z.literal('syslog'),
  host: z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9.:-]+$/),
  /** RFC 5425's by default. */
  port: port.default(6_514),
  /** Whose certificates are trusted, as PEM. Default: the system's. */
  ca: z.string().min(1).max(20_000).exactOptional(),
  /** Without TLS it goes in plain text: only the platform's own may. */
  tls: z.boolean().default(true),
  format,
})
const s3 = z.strictObject({
  kind: z.literal('s3'),
  endpoint: z.string().min(1).max(500),
  region: z.string().regex(/^[a-z0-9-]{1,40}$/),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  /** What objects' names begin with: `audit/`. */
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}\/){0,6}$/)
    .default(''),
  format,
})

/** Where a sink is and what it gets. There is no secret in it. */
export const sinkSettingsSchema = z.discriminatedUnion('kind', [webhook, syslog, s3])
export type SinkSettings = z.output<typeof sinkSettingsSchema>
export type SinkKind = SinkSettings['kind']

const SECRETS = {
  webhook: z.strictObject({ secret: parsed(parseWebhookSecret) }),
  syslog: z.strictObject({}),
  s3: z.strictObject({ accessKeyId: secretText, secretAccessKey: secretText }),
} as const
export type SinkSecrets<K extends SinkKind = SinkKind> = z.output<(typeof SECRETS)[K]>

/** @throws ZodError for what is not a sink's of that kind */
export function parseSecrets<K extends SinkKind>(kind: K, value: unknown): SinkSecrets<K> {
  return SECRETS[kind].parse(value) as SinkSecrets<K>
}

/** What somebody sends to make a sink, or to change it: all of it, secrets too. */
export const sinkInputSchema = z.strictObject({
  sink: z.discriminatedUnion('kind', [
    webhook.extend(SECRETS.webhook.shape),
    syslog,
    s3.extend(SECRETS.s3.shape),
  ]),
  /** Where a new one begins: with what comes from now on, or with the log's first entry. */
  from: z.enum(['now', 'start']).default('now'),
})
export type SinkInput = z.output<typeof sinkInputSchema>

/** Parts what may be shown from what may not. */
export function parted(sink: SinkInput['sink']): {
  readonly settings: SinkSettings
  readonly secrets: SinkSecrets
} {
  if (sink.kind === 'webhook') {
    const { secret, ...settings } = sink
    return { settings, secrets: { secret } }
  }
  if (sink.kind === 's3') {
    const { accessKeyId, secretAccessKey, ...settings } = sink
    return { settings, secrets: { accessKeyId, secretAccessKey } }
  }
  return { settings: sink, secrets: {} }
}
