import { z } from 'zod'
import { behaviourSettingsSchema } from '../behaviour/settings.ts'
import { issuerSchema } from '../billing/invoices/invoice.ts'
import { parseClientId, parseServiceName } from '../core/names.ts'
import { parseRegion } from '../core/tenant.ts'
import { parsed } from '../core/parsed.ts'
import { mailAddressSchema, mailSchema } from '../identity/mail/open-mailer.ts'
import { usageStreamSchema } from '../metering/jetstream/usage-stream-settings.ts'
import { slosSchema } from '../telemetry/slo/slo.ts'
import { telemetrySchema } from '../telemetry/telemetry-settings.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'
import { auditSinksSchema } from './audit-sinks-spec.ts'
import { invoicingShape } from './billing-spec.ts'
import { auditAnchorsSchema, auditWitnessesSchema, witnessSpec } from './audit-witnesses-spec.ts'
import { costsSpec } from './costs-spec.ts'
import { address, configuration, database, listen, listener, revocations } from './spec-parts.ts'

/** Where a plane sends what it writes down: entries of logs, and usage. */
export const recordsOf = z.strictObject({
  address,
  audience: z.string().min(1),
  client: parsed(parseClientId),
  /** The key that shows which plane it is. */
  key: z.string().min(1),
  /** Tells its journals apart from those of other processes of the plane. */
  source: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
})

const file = z.string().min(1)
const sinkName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)

/** Who is told of the platform's alerts. */
export const alertSinksSchema = z
  .array(
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('webhook'),
        name: sinkName,
        url: z.url(),
        secretFiles: z.array(file).min(1),
      }),
      z.strictObject({ kind: z.literal('pagerduty'), name: sinkName, routingKeyFile: file }),
      z.strictObject({
        kind: z.literal('servicenow'),
        name: sinkName,
        instance: z.url(),
        /** Holds the value of the Authorization header. */
        authorizationFile: file,
        fields: z.record(z.string(), z.string()).default({}),
      }),
      z.strictObject({
        kind: z.literal('mail'),
        name: sinkName,
        to: z.array(mailAddressSchema).min(1).max(20),
      }),
    ]),
  )
  .default([])

/** None: all logs are in the control database. */
export const logRegionsSchema = z
  .array(z.strictObject({ region: parsed(parseRegion), database: database.exactOptional() }))
  .refine((regions) => new Set(regions.map(({ region }) => region)).size === regions.length, {
    error: 'a region is there twice',
  })
  .default([])

/** How events of usage are kept. */
export const usageKeepingSchema = z
  .strictObject({
    /** What was summed up of them stays. Not less: late events and reconciliation need them. */
    daysKept: z.int().min(62).max(36_600).default(800),
    /** A JetStream stream that they pass on their way. Absent: none. */
    stream: usageStreamSchema.exactOptional(),
  })
  .prefault({})

export const recordsSpec = z.strictObject({
  telemetry: telemetrySchema.exactOptional(),
  database,
  configuration,
  revocations,
  /** Reached by the gateway, as the service of that name. */
  listen,
  service: parsed(parseServiceName),
  /** Reached by planes and services, and by no tenant. */
  intake: listen,
  audience: z.string().min(1),
  planes: z.array(
    z.strictObject({
      plane: z.enum(['gateway', 'vending']),
      client: parsed(parseClientId),
      keys: z.array(publicJwkSchema).min(1),
    }),
  ),
  /** File of the keys that wrap what must not lie in the database in plain text, the one in use first. */
  keysFile: z.string().min(1),
  /** What the names of logs begin with: `audit.example.com`. */
  origin: z.string().min(1),
  /** Where gateways' request logs are, as files. Absent: bills are reconciled without them. */
  requestLogDirectory: z.string().min(1).exactOptional(),
  /** What things cost, and who measures them. Absent: nobody knows what tenants cost. */
  costs: costsSpec.exactOptional(),
  /** Where it is asked who an operator is. */
  control: address,
  issuer: issuerSchema,
  /** Customers, taxes, and who collects. */
  invoicing: z.strictObject(invoicingShape).prefault({}),
  /** Where tenants' logs are, by region; without a database: in the control database. */
  regions: logRegionsSchema,
  /** How mail to those who are told leaves. Absent: nobody is told by mail. */
  mail: mailSchema.exactOptional(),
  /** Where no sink of a tenant leads, besides hosts of tenants and services, which are known. */
  own: z
    .strictObject({
      /** The platform's own host names: those of the gateway, of identity, of the control API. */
      hosts: z.array(z.string().min(1).max(253)).default([]),
      /** Addresses and ports where the platform listens, public ones too. */
      listeners: z.array(listener).default([]),
    })
    .prefault({}),
  alerts: alertSinksSchema,
  auditSinks: auditSinksSchema,
  /** Who cosigns checkpoints, and where else they are kept. */
  auditWitnesses: auditWitnessesSchema,
  auditAnchors: auditAnchorsSchema,
  /** Whose logs are cosigned here. Absent: nobody's. */
  witness: witnessSpec.exactOptional(),
  /** When detectors speak, and whether something is done then. */
  behaviour: behaviourSettingsSchema,
  usage: usageKeepingSchema,
  /** What the platform promises, and where gateways say what they have counted. */
  promises: z
    .strictObject({
      slos: slosSchema,
      gateways: z.array(z.strictObject({ address, tokenFile: z.string().min(1).exactOptional() })),
    })
    .exactOptional(),
})
