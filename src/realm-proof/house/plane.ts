import { createServer } from 'node:http'
import type { GrantConfig } from '../../contracts/grant.ts'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { listenWith } from '../../http/listen.ts'
import { FileMailer } from '../../identity/mail/file-mailer.ts'
import { mountRealms, type MountedRealms } from '../../identity/mount-realms.ts'
import { type Identity, openIdentity } from '../../identity/open-identity.ts'
import { HashQueue } from '../../identity/sign-in/passwords/hash-queue.ts'
import type { Address, Heard, Said, Wire } from '../../strikes/wire.ts'
import { ADMIN_AUDIENCE, AUDIENCE, BASE } from './ground.ts'
import { fronted } from './fronted.ts'
import type { Fetch, Pieces } from './pieces.ts'
import type { Site } from './site.ts'
import { countedQueries } from './around-queries.ts'

/** Passwords of rehearsals are nobody's. What they cost is counted, and not felt. */
const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 } as const

const FROM = 'no-reply@realm-proof.test'

export interface Ask {
  readonly headers?: Said['headers']
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly body?: string
  /** From which address. */
  readonly from?: string
  readonly host?: string
}

/** What a copy has done: an answer's cost is told by that, and not by a clock. */
export interface Work {
  queries: number
  hashes: number
}

/** The identity plane of one copy, on the site's database. */
export class Plane {
  readonly site: Site
  readonly identity: Identity
  readonly mounted: MountedRealms
  readonly worked: Work
  #address: Address
  readonly #close: () => Promise<void>
  readonly #admin: Fetch

  private constructor(site: Site, opened: Opened) {
    this.site = site
    this.identity = opened.identity
    this.mounted = opened.mounted
    this.worked = opened.worked
    this.#address = opened.address
    this.#close = opened.close
    this.#admin = opened.admin((request) => this.identity.admin.fetch(request), this)
  }

  static async open(site: Site, pieces: Pieces): Promise<Plane> {
    const worked: Work = { queries: 0, hashes: 0 }
    const logged: string[] = []
    const made: { mounted?: MountedRealms } = {}
    const log = (line: string) => void logged.push(line)
    const identity = await openIdentity({
      database: site.database,
      shared: site.rows,
      baseUrl: BASE,
      audience: AUDIENCE,
      adminAudience: ADMIN_AUDIENCE,
      adminClients: [
        { client: parseClientId('control'), keys: [site.ground.keys.control.publicJwk] },
      ],
      sealingKeyFile: site.sealingKeyFile,
      keys: { leadSeconds: 0 },
      insideAllowed: true,
      grants: pieces.grants({ find: async (grantor, id) => givenBy(site, grantor, id) }, site),
      // The proof is the proxy, and says who calls.
      proxies: 1,
      mount: async (parts) => {
        countedQueries(parts.database, worked)
        pieces.parts(parts)
        const mounted = await mountRealms(parts, {
          signIn: { mail: { by: 'file', directory: site.mailDirectory, from: FROM } },
          mailer: pieces.mailer(new FileMailer(site.mailDirectory, FROM), site.mailDirectory),
          hashing: { hashCost: CHEAP, queue: new CountingQueue(worked) },
          audience: AUDIENCE,
          insideAllowed: true,
          log,
        })
        pieces.mounted(mounted, parts)
        made.mounted = mounted
        return mounted
      },
      log,
    })
    const { mounted } = made
    if (mounted === undefined) throw new Error('nothing is mounted')
    worsenProviders(identity, pieces)
    const closing: (() => Promise<unknown>)[] = [() => identity.close()]
    const close = async () => {
      for (const one of closing.splice(0).reverse()) await one()
    }
    try {
      const server = await listenWith(createServer(identity.app), LOOPBACK)
      closing.push(() => server.close())
      const address = addressOf(server.url)
      const plane = new Plane(site, {
        identity,
        mounted,
        worked,
        address,
        close,
        admin: pieces.admin,
      })
      if (pieces.front !== undefined) {
        const listener = fronted(pieces.front, plane, address)
        const front = await listenWith(createServer(listener), LOOPBACK)
        closing.push(() => front.close())
        plane.#address = addressOf(front.url)
      }
      return plane
    } catch (error) {
      await close()
      throw error
    }
  }

  /** One request over the wire. `target` is sent as it is. */
  ask(wire: Wire, method: string, target: string, what: Ask = {}): Promise<Heard> {
    const { headers = [], form, json, body, from = '192.0.2.1', host = new URL(BASE).host } = what
    const [type, text] =
      form !== undefined
        ? [FORM, new URLSearchParams(form).toString()]
        : json !== undefined
          ? ['application/json', JSON.stringify(json)]
          : [undefined, body]
    return wire.ask(this.#address, {
      method,
      target: target.startsWith(BASE) ? target.slice(BASE.length) : target,
      headers: [
        ['Host', host],
        ['X-Forwarded-For', from],
        ...(type === undefined ? [] : [['Content-Type', type] as const]),
        ...headers,
      ],
      ...(text === undefined ? {} : { body: text }),
    })
  }

  /** One call of the administration API, with an assertion. */
  async administer(
    path: string,
    method: string,
    assertion: string,
    json?: object,
  ): Promise<Response> {
    const headers = { authorization: `Bearer ${assertion}`, 'content-type': 'application/json' }
    const body = json === undefined ? {} : { body: JSON.stringify(json) }
    return this.#admin(new Request(`http://admin${path}`, { method, headers, ...body }))
  }

  async context(tenant: TenantId) {
    const found = await this.identity.providers.get(tenant)
    if (found === undefined) throw new Error(`no realm ${tenant}`)
    return found.context
  }

  close(): Promise<void> {
    return this.#close()
  }
}

/** A tenant's own grant of an id, as it is published. */
function givenBy({ given }: Site, grantor: TenantId, id: string): GrantConfig | undefined {
  const found = given.get(id)
  return found?.grantor === grantor ? found.grant : undefined
}

const LOOPBACK = { host: '127.0.0.1', port: 0 } as const

function addressOf(url: string): Address {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

const FORM = 'application/x-www-form-urlencoded'

interface Opened {
  readonly identity: Identity
  readonly mounted: MountedRealms
  readonly worked: Work
  readonly address: Address
  readonly close: () => Promise<void>
  readonly admin: Pieces['admin']
}

class CountingQueue extends HashQueue {
  readonly #worked: Work

  constructor(worked: Work) {
    super()
    this.#worked = worked
  }

  override run<T>(tenant: TenantId, work: () => Promise<T>): Promise<T> {
    this.#worked.hashes += 1
    return super.run(tenant, work)
  }
}

/** Each provider goes through the copy's pieces once, before it answers anybody. */
function worsenProviders({ providers }: Identity, pieces: Pieces): void {
  const seen = new WeakSet<object>()
  const get = providers.get.bind(providers)
  providers.get = async (tenant) => {
    const found = await get(tenant)
    if (found === undefined || seen.has(found)) return found
    seen.add(found)
    pieces.provider(found)
    return found
  }
}
