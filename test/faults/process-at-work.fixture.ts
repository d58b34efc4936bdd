// Run by tests as a process of its own, to be killed: does one thing with leases or tenants, says so
// on standard output when it is at a named point, and stays there.
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { BUDGET_DEFAULT } from '../../src/boundaries/postgres/leases/budget.ts'
import { newPassword, scramVerifier } from '../../src/clusters/scram.ts'
import { namesFor, newTenantKey } from '../../src/boundaries/postgres/names.ts'
import { PostgresBoundary } from '../../src/boundaries/postgres/postgres-boundary.ts'
import { Site } from '../../src/boundaries/postgres/site.ts'
import type { MoveStep } from '../../src/boundaries/postgres/move/move-steps.ts'
import { Silos } from '../../src/boundaries/postgres/silos.ts'
import {
  CUSTODIAN_PASSWORD,
  connected,
  NOTES,
  THROW_AWAY,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import type { ConnectionSettings } from '../../src/clusters/cluster.ts'
import { parseCellName, parseRegion, parseTenantId, type Tier } from '../../src/core/tenant.ts'

export interface Order {
  readonly point: keyof typeof POINTS
  /** The tenant to work on; for an installation, its prefix. */
  readonly tenant: string
  readonly admin: ConnectionSettings
  readonly serverVersion: number
  /** Where the cell's silos are. Without it there are none. */
  readonly silos?: string
  /** The move step to stop after; for the point `moving`. */
  readonly step?: MoveStep
  /** The tier to move to. */
  readonly to?: Tier
}

const order = JSON.parse(await text(process.stdin)) as Order
const names = namesFor('rf', NOTES.name)
const options = {
  cluster: {
    name: 'test',
    admin: order.admin,
    serverVersion: order.serverVersion,
    directory: undefined,
    embedded: true,
    stop: async () => {},
  },
  names,
  application: NOTES,
  custodianPassword: CUSTODIAN_PASSWORD,
  exclusive: true,
  bridges: true,
} as const
const site = Site.attach(options)
const boundary = new PostgresBoundary({
  cell: parseCellName('test-cell'),
  site,
  ...(order.silos === undefined
    ? {}
    : {
        silos: new Silos({
          directory: order.silos,
          names,
          application: NOTES,
          settings: THROW_AWAY,
        }),
      }),
  onMoveStep: async (step) => {
    if (step !== order.step) return
    say()
    await once(process, 'never')
  },
})
const id = parseTenantId(order.tenant)
const open = (seconds = 1) =>
  site.custodian.open(id, 'write', seconds, 'victim', BUDGET_DEFAULT).catch(() => undefined)

/** The custodian's own connection, for stopping between its statements. */
async function custodian(): Promise<pg.Client> {
  const settings = { ...order.admin, user: names.custodian, password: CUSTODIAN_PASSWORD }
  return connected({ ...settings, database: names.custodyDatabase })
}

async function openLease(client: pg.Client): Promise<void> {
  const verifier = await scramVerifier(newPassword())
  await client.query('select custody.open_lease($1, $2, $3, $4, $5, $6, $7)', [
    newTenantKey(),
    id,
    'write',
    1,
    'victim',
    verifier,
    5,
  ])
}

const POINTS = {
  /** Leases, connects, ends and sweeps without a pause, four at a time. */
  async anywhere() {
    say()
    await Promise.all(
      [0, 1, 2, 3].map(async (worker) => {
        for (let step = 0; ; step += 1) {
          const login = await open()
          if (login === undefined) await site.custodian.end(id, undefined, 'revoked')
          else {
            await connected({ ...order.admin, ...login }).catch(() => undefined)
            if ((step + worker) % 2 === 0) await site.custodian.end(id, login.leaseId, 'revoked')
          }
          if (step % 3 === worker) await site.custodian.sweep(BUDGET_DEFAULT)
        }
      }),
    )
  },
  /** Installs on a server where nothing is installed. */
  async installing() {
    say()
    await Site.open({ ...options, names: namesFor(order.tenant, NOTES.name) })
  },
  async 'lease recorded, not committed'() {
    const client = await custodian()
    await client.query('begin')
    await openLease(client)
    say()
  },
  async 'lease committed, nobody told'() {
    await openLease(await custodian())
    say()
  },
  async 'lease in use'() {
    const login = await open()
    if (login === undefined) throw new Error('no lease')
    await connected({ ...order.admin, ...login })
    say()
  },
  async 'lease ended, not committed'() {
    const client = await custodian()
    await client.query('begin')
    await client.query(`select custody.end_leases($1, null, 'revoked')`, [id])
    say()
  },
  async 'lease ended, sessions alive'() {
    await (await custodian()).query(`select custody.end_leases($1, null, 'revoked')`, [id])
    say()
  },
  async 'bridge reserved, not made'() {
    await site.reserve({ id, tier: 'bridge', region: parseRegion('eu-west') })
    say()
  },
  async 'bridge made, not activated'() {
    await site.provision({ id, tier: 'bridge', region: parseRegion('eu-west') }, async (place) => {
      await site.makeBridgeDatabase(place.database)
      say()
      await once(process, 'never')
    })
  },
  /** Moves to a tier, from the first step to the last, and does not get beyond the one it is told. */
  async moving() {
    if (order.step === undefined) say()
    await boundary.prepareMove(id, order.to ?? 'bridge')
    await boundary.catchUp(id)
    await boundary.cutOver(id)
    await boundary.finishMove(id)
  },
  /** The same, but gives up after the copy. */
  async 'giving up a move'() {
    await boundary.prepareMove(id, order.to ?? 'bridge')
    await boundary.abortMove(id)
  },
  async 'rows deleted, tenant not forgotten'() {
    await site.erase(id, async () => {
      await site.custodian.end(id, undefined, 'erased')
      say()
      await once(process, 'never')
    })
  },
} as const

function say(): void {
  process.stdout.write('here\n')
}

// Waiting for nothing does not keep a process.
setInterval(() => {}, 60_000)
process.on('exit', () => void boundary)
await POINTS[order.point]()
