import { AsyncLocalStorage } from 'node:async_hooks'
import { text } from 'node:stream/consumers'
import { DBOS } from '@dbos-inc/dbos-sdk'
import { remoteBoundary } from '../../src/cells/remote-boundary.ts'
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
/** What is looked at every moment has no points: how often it is depends on the time alone. */
const call = new AsyncLocalStorage<true>()

function point(): void {
  if (call.getStore() !== true && !DBOS.isWithinWorkflow()) return
  points += 1
  if (points === order.killAt) process.kill(process.pid, 'SIGKILL')
}

function portsOf({ fake, keeper }: Order): Ports {
  const ports = fakePorts(fake, ['eu-1', 'us-1'])
  if (keeper === undefined) return ports
  const cell = remoteBoundary(keeper, 'postgres', ['pooled', 'bridge'])
  return { ...ports, cells: { boundaries: async () => [cell] } }
}

/** The method with a point before and after each call. */
function deadlyMethod(member: Function) {
  return async function (this: unknown, ...values: unknown[]) {
    point()
    const result: unknown = await Reflect.apply(member, this, values)
    point()
    return result
  }
}

/** The object with points in all its methods. */
function deadly<T extends object>(object: T): T {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? deadlyMethod(member.bind(target)) : member
    },
  })
}

const plain = portsOf(order)
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
  for (const name of ['query', 'transaction']) {
    const member: unknown = Reflect.get(Database.prototype, name)
    if (typeof member !== 'function') throw new TypeError(`there is no ${name}`)
    Object.defineProperty(Database.prototype, name, { value: deadlyMethod(member) })
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
  log: (line) => process.stderr.write(`${line}\n`),
  deadAfterMs: 500,
})
process.stdout.write('here\n')
const { id } = await call.run(true, () => act(plane, order.action, order.tenant))
for await (const event of plane.workflows.events(id, 0, new AbortController().signal)) {
  if (event.state === 'failed') process.stdout.write(`failed ${event.step}: ${event.note}\n`)
}
process.stdout.write(`passed ${points}\n`)
// Ends as it is: a process may go at any moment.
process.exit(0)
