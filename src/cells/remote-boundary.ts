import type { Leaser, LiveBoundary } from '../boundaries/boundary.ts'
import type { CostMeter } from '../boundaries/costs.ts'
import { RingfenceError } from '../core/errors.ts'
import type { Tier } from '../core/tenant.ts'
import { type Address, call } from '../http/call.ts'
import { errorFrom, fromJson } from './failure.ts'
import { KEEPER_OPERATIONS, LEASER_OPERATIONS, METER_OPERATIONS, pathOf } from './operations.ts'
import { remoteExport } from './remote-export.ts'
import type { Reader } from './wire.ts'

/** The vending plane's way to a cell: the leaser socket of its host. */
export function remoteLeaser(address: Address): Leaser {
  const { lease, revoke, leases, sweep } = LEASER_OPERATIONS
  return {
    lease: (tenant, request) => ask(address, 'lease', lease, { tenant, ...request }),
    revoke: (tenant, id) => ask(address, 'revoke', revoke, { tenant, lease: id }),
    leases: (tenant) => ask(address, 'leases', leases, { tenant }),
    sweep: () => ask(address, 'sweep', sweep, {}),
  }
}

/**
 * The control plane's way to a cell: the keeper socket of its host. Errors are those of the boundary
 * on the other side, and `engine_unavailable` when the host is away or goes away during a call: what
 * it was doing is finished by the same call later.
 */
export function remoteBoundary(
  address: Address,
  engine: string,
  tiers: readonly Tier[],
): LiveBoundary {
  const keeper = KEEPER_OPERATIONS
  return {
    engine,
    tiers,
    ...remoteLeaser(address),
    provision: ({ id, tier, region }) =>
      ask(address, 'provision', keeper.provision, { id, tier, region }),
    export: (tenant, sink) => remoteExport(address, tenant, sink),
    erase: (tenant) => ask(address, 'erase', keeper.erase, { tenant }),
    inspect: () => ask(address, 'inspect', keeper.inspect, {}),
    smoke: (tenant) => ask(address, 'smoke', keeper.smoke, { tenant }),
    prepareMove: (tenant, to) => ask(address, 'prepareMove', keeper.prepareMove, { tenant, to }),
    catchUp: (tenant) => ask(address, 'catchUp', keeper.catchUp, { tenant }),
    cutOver: (tenant) => ask(address, 'cutOver', keeper.cutOver, { tenant }),
    abortMove: (tenant) => ask(address, 'abortMove', keeper.abortMove, { tenant }),
    finishMove: (tenant) => ask(address, 'finishMove', keeper.finishMove, { tenant }),
    // Nothing is held between calls.
    close: () => Promise.resolve(),
  }
}

/** The records plane's way to a cell: the meter socket of its host. */
export function remoteMeter(address: Address): CostMeter {
  return { costs: () => ask(address, 'costs', METER_OPERATIONS.costs, {}) }
}

async function ask<T>(
  address: Address,
  name: string,
  { output, timeoutMs }: { readonly output: Reader<T>; readonly timeoutMs: number },
  input: object,
): Promise<T> {
  const answer = await call(address, {
    method: 'POST',
    path: pathOf(name),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
    timeoutMs,
  })
  if (answer.status !== 200) throw errorFrom(answer.text)
  const read = output.safeParse(fromJson(answer.text))
  if (!read.success) {
    throw new RingfenceError('internal', 'the cell host answered what this release does not know', {
      detail: `${name}: ${read.error.issues.map(({ path }) => path.join('.')).join(', ')}`,
    })
  }
  return read.data
}
