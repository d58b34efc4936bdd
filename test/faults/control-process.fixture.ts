import { text } from 'node:stream/consumers'
import { Database } from '../../src/control/database.ts'
import { fakePorts } from '../../src/control/fake-ports.test-support.ts'
import { openControlPlane } from '../../src/control/open-control-plane.ts'
import type { Ports } from '../../src/control/ports.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { act, type Order } from './control-actions.test-support.ts'

/**
 * A control process that does what its order says and kills itself at the point that the order names:
 * before or after the so-manieth call to another plane, or use of the control database.
 */
const order: Order = JSON.parse(await text(process.stdin))
let points = 0
let counting = false

function point(): void {
  if (!counting) return
  points += 1
  if (points === order.killAt) process.kill(process.pid, 'SIGKILL')
}

/** The object with a point before and after each call of a method. */
function deadly<T extends object>(object: T): T {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return async (...values: unknown[]) => {
        point()
        const result: unknown = await member.apply(target, values)
        point()
        return result
      }
    },
  })
}

const plain = fakePorts(order.fake, ['eu-1', 'us-1'])
const ports: Ports =
  order.points === 'database'
    ? plain
    : {
        cells: {
          boundaries: async (cell) => (await plain.cells.boundaries(cell)).map(deadly),
        },
        realms: deadly(plain.realms),
      }
if (order.points === 'database') {
  const { query, transaction } = Database.prototype
  Database.prototype.query = async function (...values) {
    point()
    const rows = await query.apply(this, values)
    point()
    return rows as never
  }
  Database.prototype.transaction = async function (work) {
    point()
    const result = await transaction.call(this, work)
    point()
    return result as never
  }
}

const plane = await openControlPlane({
  database: order.database,
  executorId: order.executorId,
  ports,
  keys: {
    snapshot: await SigningKey.fromJwk(order.keys.snapshot),
    job: await SigningKey.fromJwk(order.keys.job),
  },
  signReceipt: async (payloadType, payload) => {
    point()
    return JSON.stringify({ payloadType, payload: Buffer.from(payload).toString('base64') })
  },
  exportDirectory: order.exportDirectory,
  platform: { audience: 'https://api.example.test', contextKeys: [], services: [], workloads: [] },
  assertionAudience: 'urn:ringfence:control',
  superviseEveryMs: 50,
  deadAfterMs: 500,
})
counting = true
process.stdout.write('here\n')
const { id } = await act(plane, order.action, order.tenant)
for await (const event of plane.workflows.events(id, 0, new AbortController().signal)) {
  if (event.state === 'failed') process.stdout.write(`failed ${event.step}: ${event.note}\n`)
}
process.stdout.write(`passed ${points}\n`)
// Ends as it is: a process may go at any moment.
process.exit(0)
