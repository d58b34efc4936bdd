import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { SCOPES } from '../core/lease.ts'
import { parseClientId, parsePlanName, parseServiceName } from '../core/names.ts'
import { parseCellName, parseRegion, parseTenantId, parseTier, TIERS } from '../core/tenant.ts'
import { behaviourSettingsSchema } from '../behaviour/settings.ts'
import { issuerSchema } from '../billing/invoices/invoice.ts'
import { costsSchema } from './costs-spec.ts'
import { tlsSchema, trustedProxiesSchema, workersSchema } from '../edge/edge-settings.ts'
import { mailSchema } from '../identity/mail/open-mailer.ts'
import { natsSchema } from '../revocation/nats-settings.ts'
import { slosSchema } from '../telemetry/slo/slo.ts'
import { auditSinksSchema } from './audit-sinks-spec.ts'
import {
  auditAnchorsSchema,
  auditWitnessesSchema,
  platformWitnessSchema,
} from './audit-witnesses-spec.ts'
import { invoicingShape } from './billing-spec.ts'
import {
  authorizersSchema,
  limitsSchema,
  ownHostsSchema,
  ownUpstreamsSchema,
  recordQuestionsSchema,
} from './plane-config.ts'
import { platformTelemetrySchema } from './platform-telemetry.ts'
import { alertSinksSchema, logRegionsSchema, usageKeepingSchema } from './records-spec.ts'

const listenSchema = (port: number) =>
  z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      /** 0 takes a free one. */
      port: z.int().min(0).max(65_535).default(port),
    })
    .prefault({})

/** What most tenants buy when the manifest names no plans. */
const STANDARD_PLAN = {
  name: 'standard',
  tiers: [...TIERS],
  requestsPerMinute: 6_000,
  leasesPerMinute: 600,
  leaseSecondsMax: 900,
  approval: false,
}

/** A platform manifest as it is written, with defaults for what it leaves out. */
export const platformSchema = z.strictObject({
  apiVersion: z.literal('ringfence.dev/v1'),
  kind: z.literal('Platform'),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/) }),
  spec: z.strictObject({
    application: z.string().min(1),
    listen: z
      .strictObject({
        gateway: listenSchema(4180),
        control: listenSchema(4181),
        identity: listenSchema(4182),
        /** What is kept of tenants, reached by the gateway. */
        records: listenSchema(4184),
      })
      .prefault({}),
    /** How the front door is reached, beyond its address. */
    gateway: z
      .strictObject({
        /** `https` behind whatever ends TLS: proofs of possession must name it. */
        publicProtocol: z.enum(['http', 'https']).default('http'),
        tls: tlsSchema.exactOptional(),
        trustedProxies: trustedProxiesSchema.exactOptional(),
        /** Processes that serve it on this machine. */
        workers: workersSchema.default(1),
        /** Where tenants' own upstreams may be besides the internet. */
        upstreams: ownUpstreamsSchema,
        hosts: ownHostsSchema.exactOptional(),
        /** Where gateways count together. */
        limits: limitsSchema,
        authorizers: authorizersSchema.exactOptional(),
        recordQuestions: recordQuestionsSchema.exactOptional(),
      })
      .prefault({}),
    /** A bell for revocations beside the database's own notifications. */
    revocations: z.strictObject({ nats: natsSchema.exactOptional() }).prefault({}),
    telemetry: platformTelemetrySchema.exactOptional(),
    /** What is promised to tenants. */
    slos: slosSchema.default([]),
    /** Who writes invoices. Default: the platform, by its name. */
    billing: z
      .strictObject({
        issuer: issuerSchema.exactOptional(),
        ...invoicingShape,
        /** What things cost the operator. Absent: what tenants cost is not measured. */
        costs: costsSchema.exactOptional(),
      })
      .prefault({}),
    /** How mail leaves: to users of realms, and to those who are told of alerts. Absent: into files. */
    mail: mailSchema.exactOptional(),
    /** Who is told of the platform's alerts. */
    alerts: alertSinksSchema,
    /** In which database each region's logs are. Default: all in the control database. */
    auditRegions: logRegionsSchema,
    /** Where the platform's own log is sent. */
    auditSinks: auditSinksSchema,
    /** Who cosigns checkpoints of all logs. */
    auditWitnesses: auditWitnessesSchema,
    /** Where checkpoints are kept besides. */
    auditAnchors: auditAnchorsSchema,
    /** Whose logs are cosigned here. Absent: nobody's. */
    witness: platformWitnessSchema.exactOptional(),
    /** When detectors speak, and whether something is done then. */
    behaviour: behaviourSettingsSchema,
    usage: usageKeepingSchema,
    /** The audience of access tokens: the name of the platform's API, which need not resolve. */
    audience: z.url({ protocol: /^https?$/ }).optional(),
    cells: z
      .array(
        z.strictObject({
          name: parsed(parseCellName),
          region: parsed(parseRegion),
          /** Most tenants that it holds. */
          capacity: z.int().min(1).default(10_000),
          /** Environment variable that holds the URL of an external server. */
          urlFrom: z.string().optional(),
        }),
      )
      .min(1),
    plans: z
      .array(
        z.strictObject({
          name: parsed(parsePlanName),
          tiers: z.array(parsed(parseTier)).min(1).default(STANDARD_PLAN.tiers),
          requestsPerMinute: z.int().min(1).default(STANDARD_PLAN.requestsPerMinute),
          leasesPerMinute: z.int().min(1).default(STANDARD_PLAN.leasesPerMinute),
          leaseSecondsMax: z.int().min(1).max(3_600).default(STANDARD_PLAN.leaseSecondsMax),
          /** Onboarding on it needs a second person. */
          approval: z.boolean().default(STANDARD_PLAN.approval),
        }),
      )
      .min(1)
      .prefault([STANDARD_PLAN]),
    tenants: z
      .array(
        z.strictObject({
          id: parsed(parseTenantId),
          tier: parsed(parseTier),
          region: parsed(parseRegion),
          plan: parsed(parsePlanName).optional(),
          displayName: z.string().min(1).max(200),
          /** Host names that are this tenant's alone. */
          hosts: z.array(z.string().min(1).max(253)).default([]),
          /** What the application's own loader makes of it; the platform does not look inside. */
          data: z.unknown().optional(),
        }),
      )
      .default([]),
    /** What the gateway forwards to. */
    services: z
      .array(
        z.strictObject({
          name: parsed(parseServiceName),
          upstream: z.url({ protocol: /^https?$/ }),
          prefix: z.string().min(1).default('/'),
        }),
      )
      .default([]),
    /** Who may exchange contexts of a service for leases. Their keys are made in the state directory. */
    workloads: z
      .array(
        z.strictObject({
          client: parsed(parseClientId),
          service: parsed(parseServiceName),
          scopes: z
            .array(z.enum(SCOPES))
            .min(1)
            .default([...SCOPES]),
        }),
      )
      .default([]),
    /** The application's own programs. */
    processes: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
          command: z.array(z.string().min(1)).min(1),
          /** It gets this workload's identity, and the addresses that the SDK reads. */
          workload: parsed(parseClientId).optional(),
          environment: z.record(z.string(), z.string()).default({}),
          /** A regular expression on a line of its output that says it is ready. */
          ready: parsed(parsePattern),
        }),
      )
      .default([]),
  }),
})

function parsePattern(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('must be a regular expression')
  return new RegExp(value).source
}
export type PlatformSpec = z.output<typeof platformSchema>['spec']
