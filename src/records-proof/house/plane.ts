import { platformOutside } from '../../alerts/outside.ts'
import { logOf } from '../../audit/entry.ts'
import { behaviourApi } from '../../behaviour/behaviour-api.ts'
import { operatorBillingApi } from '../../billing/api/operator-api.ts'
import { tenantBillingApi } from '../../billing/api/tenant-api.ts'
import { RegisteredCatalogue } from '../../billing/store/registered-catalogue.ts'
import { listen } from '../../http/listen.ts'
import { Hono } from 'hono'
import { problemResponse } from '../../http/problem.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { ClientId } from '../../core/names.ts'
import { callerOf } from '../../records/api/caller.ts'
import { logApi } from '../../records/api/log-api.ts'
import { operatorOf } from '../../records/api/operator.ts'
import { journalIntake } from '../../records/intake/journal-intake.ts'
import { openRecords } from '../../records/open-records.ts'
import type { Address, Heard, Said, Wire } from '../../strikes/wire.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { verifyLog } from '../../transparency/verify-log.ts'
import type { Reporter } from '../../usage/reporter.ts'
import { usageIntake } from '../../usage/usage-intake.ts'
import { AUDIENCE, ISSUER, ORIGIN, SERVICE } from './ground.ts'
import { revocationsOf, sourceOf } from './known.ts'
import { type Fetch, type Pieces, SOUND } from './pieces.ts'
import type { Site } from './site.ts'
import { outsideOf, sinkApps } from './sink-apps.ts'

/** Which of the plane's two listeners. */
export type Door = 'tenants' | 'intake'

interface Apps {
  readonly tenants: Fetch
  readonly intake: Fetch
  close(): Promise<void>
}

const LOOPBACK = { host: '127.0.0.1', port: 0 } as const
/** A records plane on the site's database, and the two listeners that it is reached by. */
export class Plane {
  readonly site: Site
  readonly pieces: Pieces
  readonly verify: typeof verifyLog
  readonly #doors: Readonly<Record<Door, Address>>
  readonly #close: () => Promise<void>

  private constructor(
    site: Site,
    pieces: Pieces,
    doors: Readonly<Record<Door, Address>>,
    close: () => Promise<void>,
  ) {
    this.site = site
    this.pieces = pieces
    this.verify = pieces.verify(verifyLog, site)
    this.#doors = doors
    this.#close = close
  }

  /** The plane as platforms open it. */
  static async open(site: Site): Promise<Plane> {
    const { ground, settings, planes, keys, control } = site
    const log = loggingTo(site)
    const records = await openRecords({
      ...{ planes, keys, control, log, sinks: [], promises: undefined, telemetry: undefined },
      database: settings,
      issuer: ISSUER,
      source: sourceOf(ground),
      revocations: revocationsOf(ground),
      service: SERVICE,
      audience: AUDIENCE,
      origin: ORIGIN,
    })
    const { tenants, intake } = records
    return Plane.#listening(site, SOUND, {
      tenants: (request) => tenants.fetch(request),
      intake: (request) => intake.fetch(request),
      close: () => records.close(),
    })
  }

  /** A plane put together of the same parts by hand, so that one of them can be a worse one. */
  static compose(site: Site, pieces: Pieces): Promise<Plane> {
    return Plane.#listening(site, pieces, composedApps(site, pieces))
  }

  static async #listening(site: Site, pieces: Pieces, apps: Apps): Promise<Plane> {
    const closing: (() => Promise<unknown>)[] = [() => apps.close()]
    const close = async () => {
      for (const one of closing.splice(0).reverse()) await one()
    }
    const address = async (fetch: Fetch): Promise<Address> => {
      const server = await listen(fetch, LOOPBACK)
      closing.push(() => server.close())
      const { hostname, port } = new URL(server.url)
      return { host: hostname, port: Number(port) }
    }
    try {
      const tenants = await address(apps.tenants)
      const intake = await address(apps.intake)
      return new Plane(site, pieces, { tenants, intake }, close)
    } catch (error) {
      await close()
      throw error
    }
  }

  /** One request over the wire. `target` is sent as it is. */
  ask(wire: Wire, door: Door, said: Said): Promise<Heard> {
    const headers = [['Host', 'records.test'] as const, ...(said.headers ?? [])]
    return wire.ask(this.#doors[door], { ...said, headers })
  }

  /** A connection that stays open. */
  follow(wire: Wire, text: string) {
    return wire.open(this.#doors.tenants, text)
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** How this copy's sinks of tenants, and of the platform, reach the outside. */
  get outside() {
    return {
      tenants: outsideOf(this.pieces),
      platform: platformOutside(),
    }
  }
}

/** The plane's two listeners, put together of the site's parts. */
export function composedApps(site: Site, pieces: Pieces): Apps {
  const { ground, ...parts } = site
  const source = pieces.source(sourceOf(ground))
  const revocations = pieces.revocations(revocationsOf(ground))
  const logs = pieces.logs(parts.logs, site)
  const usage = pieces.usage(parts.metering.store, site)
  const readings = pieces.readings(parts.metering.readings, site)
  const invoices = pieces.invoices(parts.billing.invoices, site)
  const budgets = pieces.budgets(parts.billing.budgets, site)
  const caller = { source, revocations, service: SERVICE }
  const planes = pieces.planes(parts.planes, site)
  const { reconciler, costs, quotas } = parts.billing
  const log = loggingTo(site)
  const catalogue = new RegisteredCatalogue(site.billingRows)
  const tenants = new Hono()
  tenants.route(
    '/ringfence/billing',
    tenantBillingApi({
      ...{ invoices, budgets, quotas, usage: readings, catalogue, log },
      callerOf: (headers) => callerOf(headers, caller),
    }),
  )
  for (const [path, app] of sinkApps(site, pieces, logs, caller)) tenants.route(path, app)
  tenants.route(
    '/ringfence/audit',
    logApi({
      readerOf: pieces.readerOf(async (headers) => {
        const { tenant, requestId, stillMay } = await callerOf(headers, caller)
        return { log: logOf(tenant), requestId, stillMay }
      }),
      store: logs,
      keysOf: async (name) => (await parts.logs.keys(name)).map((key) => key.vkey),
      log,
    }),
  )
  tenants.notFound(nothing)
  const intake = new Hono()
  intake.get('/healthz', (context) => context.json({ status: 'ok' }))
  const { platform } = source.current()
  const reporterOf = (client: ClientId): Reporter | undefined => {
    const plane = planes.find((one) => one.client === client)
    if (plane !== undefined) return { kind: 'plane', client, keys: plane.keys }
    const workload = platform.workloads.find((one) => one.client === client)
    if (workload === undefined) return undefined
    return { kind: 'service', client, service: workload.service, keys: new KeySet(workload.keys) }
  }
  const contextKeys = {
    request: new KeySet(platform.contextKeys),
    job: new KeySet(platform.jobKeys),
  }
  const journals = journalIntake({
    ...{ audience: AUDIENCE, planes: () => planes, database: parts.intake, logs, usage, log },
  })
  const events = usageIntake({
    ...{ audience: AUDIENCE, reporterOf, store: usage, contextKeys: () => contextKeys },
    ...(pieces.times === undefined ? {} : { times: pieces.times }),
  })
  const asked = pieces.operators((headers, act) => operatorOf(parts.control, headers, act))
  const operators = new Hono()
    .route(
      '/v1/billing',
      operatorBillingApi({ ...{ invoices, reconciler, costs, log }, operatorOf: asked }),
    )
    .route(
      '/v1/behaviour',
      behaviourApi({ responses: pieces.responses(parts.responses, site), operatorOf: asked }),
    )
  for (const part of [journals, events, operators]) intake.route('/', part)
  intake.notFound(nothing)
  intake.onError((error) => problemResponse(error))
  return {
    tenants: pieces.tenants((request) => tenants.fetch(request), site),
    intake: pieces.intake((request) => intake.fetch(request), site),
    close: () => Promise.resolve(),
  }
}

/** What planes of a rehearsal log is told to nobody, and is not to hold what nobody is told. */
function loggingTo({ logged }: Site): (line: string) => void {
  return (line) => void logged.push(line)
}

function nothing(): Response {
  return problemResponse(new RingfenceError('not_found', 'there is no such thing'))
}
