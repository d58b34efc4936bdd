import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { SCOPES } from '../core/lease.ts'
import { parseClientId, parsePlanName, parseServiceName } from '../core/names.ts'
import { parseDocument } from '../core/parse-document.ts'
import { parsed } from '../core/parsed.ts'
import { parseCellName, parseRegion, parseTier } from '../core/tenant.ts'
import { tlsSchema, trustedProxiesSchema, workersSchema } from '../edge/edge-settings.ts'
import { limitsRedisSchema } from '../limits/redis/redis-store.ts'
import { redisSchema } from '../identity/sessions/redis/redis-settings.ts'
import { signInSchema } from '../identity/sign-in/sign-in-settings.ts'
import { telemetrySchema } from '../telemetry/telemetry-settings.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'
import { recordsOf, recordsSpec } from './records-spec.ts'
import { address, configuration, database, listen, listener, revocations } from './spec-parts.ts'

/**
 * What each plane is told when it starts. `ringfence up` writes these files; whoever runs the planes
 * apart writes them by hand. Secrets are named by their files.
 */

/** Where tenants' own upstreams may be besides the internet. */
export const ownUpstreamsSchema = z
  .strictObject({
    ranges: z.array(z.union([z.cidrv4(), z.cidrv6()])).default([]),
    /** `.crm.example` also means all names below. */
    hosts: z.array(z.string().min(1).max(253)).default([]),
    /** Addresses and ports where none may be, whatever else is allowed: `10.20.0.7:8081`. */
    listeners: z.array(listener).default([]),
  })
  .prefault({})

/** The platform's own host names, for paths `/t/<tenant>/…`. Absent: any that is no tenant's. */
export const ownHostsSchema = z.array(z.string().min(1).max(253)).min(1)

/** Where gateways count together what plans and contracts say is shared. Absent: each by itself. */
export const limitsSchema = z
  .strictObject({ redis: limitsRedisSchema.exactOptional() })
  .prefault({})

/** Where other proxies ask whether a request may pass: a listener that only they reach. */
export const authorizersSchema = z.strictObject({
  /** nginx's `auth_request`, and Envoy's `ext_authz` over plain HTTP. */
  http: listen.exactOptional(),
  /** Envoy's `ext_authz` over gRPC. */
  grpc: listen.exactOptional(),
  /** Holds what the proxies say to be known by, 32 characters at least. */
  secretFile: z.string().min(1),
  /** How callers reach the proxies. */
  publicProtocol: z.enum(['http', 'https']).default('https'),
  /** nginx may use a decision again, for the rest of the second. */
  remembered: z.boolean().default(false),
  /** Fields that nginx passes on besides the usual ones. */
  fields: z.array(z.string().min(1)).default([]),
  /** What proxies on this machine write of the requests that they carry: read as usage. */
  accessLogs: z
    .array(
      z.strictObject({
        /** What the proxy is called: the same for as long as its log is. */
        proxy: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
        /** `accessLog` of its settings. */
        logFile: z.string().min(1),
      }),
    )
    .default([]),
})

/** A file that gets what tenants' policies are asked, for dry runs. It holds names of users. */
export const recordQuestionsSchema = z.string().min(1)

const controlSpec = z.strictObject({
  telemetry: telemetrySchema.exactOptional(),
  upstreams: ownUpstreamsSchema,
  database,
  revocations,
  listen,
  /** Unique among control processes that run at once, and the same after a restart. */
  executor: z.string().min(1),
  keys: z.strictObject({
    snapshot: z.string().min(1),
    job: z.string().min(1),
    client: z.string().min(1),
    /** Directory of the evidence key, which signs receipts. */
    receipt: z.string().min(1),
  }),
  /** Where the first operator's token is written, once. */
  bootstrapTokenFile: z.string().min(1),
  exportDirectory: z.string().min(1),
  graceSeconds: z
    .int()
    .min(0)
    .default(7 * 86_400),
  approvalSeconds: z
    .int()
    .min(1)
    .default(3 * 86_400),
  /** Audience of the client assertions with which workloads ask for job contexts. */
  audience: z.string().min(1),
  identity: z.strictObject({ address, audience: z.string().min(1) }),
  approvals: z
    .strictObject({
      /** Where approvals and changes are told, and decisions come from, signed. */
      webhook: z
        .strictObject({ url: z.url(), secretFiles: z.array(z.string().min(1)).min(1) })
        .optional(),
      serviceNow: z
        .strictObject({
          instance: z.url(),
          /** Holds the value of the Authorization header. */
          authorizationFile: z.string().min(1),
          fields: z.record(z.string(), z.string()).default({}),
        })
        .optional(),
    })
    .prefault({}),
  cells: z.array(
    z.strictObject({
      name: parsed(parseCellName),
      region: parsed(parseRegion),
      capacity: z.int().min(1),
      engine: z.string().min(1),
      tiers: z.array(parsed(parseTier)).min(1),
      keeper: address,
    }),
  ),
  platform: z.strictObject({
    audience: z.url(),
    contextKeys: z.array(publicJwkSchema),
    services: z.array(
      z.strictObject({
        name: parsed(parseServiceName),
        upstream: z.url(),
        prefix: z.string(),
        everyTenant: z.boolean().exactOptional(),
      }),
    ),
    workloads: z.array(
      z.strictObject({
        client: parsed(parseClientId),
        service: parsed(parseServiceName),
        keys: z.array(publicJwkSchema),
        scopes: z.array(z.enum(SCOPES)),
      }),
    ),
    plans: z.array(
      z.strictObject({
        name: parsed(parsePlanName),
        tiers: z.array(parsed(parseTier)),
        requestsPerMinute: z.int(),
        leasesPerMinute: z.int(),
        leaseSecondsMax: z.int(),
        approval: z.boolean(),
      }),
    ),
  }),
})

const identitySpec = z.strictObject({
  telemetry: telemetrySchema.exactOptional(),
  database,
  revocations,
  listen,
  admin: listen,
  /** What issuers begin with: `https://id.example.com`. */
  baseUrl: z.url(),
  audience: z.url(),
  /** Audience of access tokens of the operators' realm: the control API's. Absent: there is no such realm. */
  operatorsAudience: z.string().min(1).exactOptional(),
  adminAudience: z.string().min(1),
  adminClients: z.array(
    z.strictObject({ client: parsed(parseClientId), keys: z.array(publicJwkSchema).min(1) }),
  ),
  /** File of the key that seals realms' signing keys: 256 bits in base64url. */
  sealingKeyFile: z.string().min(1),
  signIn: signInSchema,
  /** Where sessions are kept. Absent: in the database. */
  redis: redisSchema.exactOptional(),
  /** How many realms' providers a process keeps made. */
  realmsMost: z.int().min(1).max(100_000).default(1_000),
  /** How many proxies of ours requests come through: so many addresses at the end are to be trusted. */
  proxies: z.int().min(0).max(5).default(0),
  /** Tenants and clients may name addresses inside, and plain http. Never where others can reach it. */
  insideAllowed: z.boolean().default(false),
})

const vendingSpec = z.strictObject({
  telemetry: telemetrySchema.exactOptional(),
  database,
  configuration,
  revocations,
  listen,
  audience: z.string().min(1),
  journalDirectory: z.string().min(1),
  /** Absent: what it writes down stays on its disk. */
  records: recordsOf.exactOptional(),
  cells: z.array(
    z.strictObject({
      name: parsed(parseCellName),
      engine: z.string().min(1),
      leaser: address,
    }),
  ),
})

const gatewaySpec = z.strictObject({
  telemetry: telemetrySchema.exactOptional(),
  database,
  configuration,
  revocations,
  listen,
  /** How callers reach it: `https` behind whatever ends TLS. Proofs of possession must name it. */
  publicProtocol: z.enum(['http', 'https']).default('http'),
  /** Health, readiness and the context keys: never reachable by tenants. */
  admin: listen,
  contextKey: z.string().min(1),
  /** Its own disk, for what it decides and what tenants use. Absent: nothing of that is entered. */
  journalDirectory: z.string().min(1).exactOptional(),
  /** Absent: what it writes down stays on its disk. */
  records: recordsOf.exactOptional(),
  tls: tlsSchema.exactOptional(),
  trustedProxies: trustedProxiesSchema.exactOptional(),
  hosts: ownHostsSchema.exactOptional(),
  limits: limitsSchema,
  /** Where tenants' own upstreams may be besides the internet. The control plane is told the same. */
  upstreams: ownUpstreamsSchema,
  /** Where services ask their tenants' policies: a listener that tenants do not reach. */
  decisions: z
    .strictObject({ listen, audience: z.string().min(1), url: z.url().exactOptional() })
    .exactOptional(),
  authorizers: authorizersSchema.exactOptional(),
  /** The request log as files as well, one for each day. */
  requestLog: z
    .strictObject({
      directory: z.string().min(1),
      /** Longer than the periods that are reconciled with it. */
      daysKept: z.int().min(1).max(3_660).default(62),
    })
    .exactOptional(),
  recordQuestions: recordQuestionsSchema.exactOptional(),
  /** Processes that serve it on this machine. */
  workers: workersSchema.default(1),
})

const SPECS = {
  control: controlSpec,
  identity: identitySpec,
  vending: vendingSpec,
  gateway: gatewaySpec,
  records: recordsSpec,
} as const

export const PLANES = ['control', 'identity', 'vending', 'gateway', 'records'] as const
export type Plane = (typeof PLANES)[number]
export type PlaneSpec<P extends Plane> = z.output<(typeof SPECS)[P]>
export type PlaneSpecInput<P extends Plane> = z.input<(typeof SPECS)[P]>

const KINDS: Readonly<Record<Plane, string>> = {
  control: 'ControlPlane',
  identity: 'IdentityPlane',
  vending: 'VendingPlane',
  gateway: 'Gateway',
  records: 'RecordsPlane',
}

/** The document of a plane's configuration. */
export function planeDocument<P extends Plane>(plane: P, spec: PlaneSpecInput<P>): string {
  const document = { apiVersion: 'ringfence.dev/v1', kind: KINDS[plane], spec }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** Reads a plane's configuration. @throws RingfenceError `invalid_manifest` naming file and field */
export function loadPlaneSpec<P extends Plane>(plane: P, path: string): PlaneSpec<P> {
  const schema = z.strictObject({
    apiVersion: z.literal('ringfence.dev/v1'),
    kind: z.literal(KINDS[plane]),
    spec: SPECS[plane],
  })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
  const { spec } = parseDocument(text, path, schema) as { spec: PlaneSpec<P> }
  return spec
}
