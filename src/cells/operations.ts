import { z } from 'zod'
import type { LiveBoundary } from '../boundaries/boundary.ts'
import type { CostMeter } from '../boundaries/costs.ts'
import { RingfenceError } from '../core/errors.ts'
import * as wire from './wire.ts'
import type { Reader } from './wire.ts'

/** Milliseconds of silence after which a caller gives up. A host that is gone is noticed at once. */
const SOON = 60_000
/** For work over all of a tenant's data. */
const WHENEVER = 24 * 3600_000

interface Definition<I, O, T> {
  readonly input: Reader<I>
  readonly output: Reader<O>
  readonly timeoutMs: number
  readonly run: (target: T, input: I) => Promise<O>
}

/** One call, as both ends know it. */
export interface Operation<O = unknown, T = LiveBoundary> {
  readonly output: Reader<O>
  readonly timeoutMs: number
  /** What the host does. @throws RingfenceError `invalid_argument` for an input that is none */
  answer(target: T, input: unknown): Promise<O>
}

function operation<I, O, T = LiveBoundary>({
  input,
  output,
  timeoutMs,
  run,
}: Definition<I, O, T>): Operation<O, T> {
  return { output, timeoutMs, answer: async (target, raw) => run(target, checked(input, raw)) }
}

/** @throws RingfenceError `invalid_argument` */
export function checked<T>(schema: Reader<T>, input: unknown): T {
  const read = schema.safeParse(input)
  if (read.success) return read.data
  const [first] = read.error.issues
  throw new RingfenceError('invalid_argument', first?.message ?? 'the request is not as it must be')
}

const { ofTenant } = wire

/** What may be done with a tenant's credentials. Nothing here shows or touches a tenant's data. */
export const LEASER_OPERATIONS = {
  lease: operation({
    input: z.strictObject({
      tenant: wire.tenantId,
      scope: wire.scope,
      ttlSeconds: z.number().optional(),
      holder: z.string().max(1000),
    }),
    output: wire.lease,
    timeoutMs: SOON,
    run: (boundary, { tenant, ttlSeconds, scope, holder }) =>
      boundary.lease(tenant, {
        scope,
        holder,
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      }),
  }),
  revoke: operation({
    input: z.strictObject({ tenant: wire.tenantId, lease: wire.someLease }),
    output: wire.revocation,
    timeoutMs: SOON,
    run: (boundary, { tenant, lease }) => boundary.revoke(tenant, lease),
  }),
  leases: operation({
    input: ofTenant,
    output: wire.records,
    timeoutMs: SOON,
    run: (boundary, { tenant }) => boundary.leases(tenant),
  }),
  sweep: operation({
    input: z.strictObject({}),
    output: wire.sweep,
    timeoutMs: SOON,
    run: (boundary) => boundary.sweep(),
  }),
}

/** Everything that the control plane does with a cell. `export` is apart: it streams. */
export const KEEPER_OPERATIONS = {
  ...LEASER_OPERATIONS,
  provision: operation({
    input: wire.tenant,
    output: wire.placement,
    timeoutMs: WHENEVER,
    run: (boundary, tenant) => boundary.provision(tenant),
  }),
  erase: operation({
    input: ofTenant,
    output: wire.erasure,
    timeoutMs: WHENEVER,
    run: (boundary, { tenant }) => boundary.erase(tenant),
  }),
  inspect: operation({
    input: z.strictObject({}),
    output: wire.findings,
    timeoutMs: WHENEVER,
    run: (boundary) => boundary.inspect(),
  }),
  smoke: operation({
    input: ofTenant,
    output: wire.smokeChecks,
    timeoutMs: WHENEVER,
    run: (boundary, { tenant }) => boundary.smoke(tenant),
  }),
  prepareMove: operation({
    input: z.strictObject({ tenant: wire.tenantId, to: wire.tier }),
    output: wire.moveProgress,
    timeoutMs: WHENEVER,
    run: (boundary, { tenant, to }) => boundary.prepareMove(tenant, to),
  }),
  catchUp: operation({
    input: ofTenant,
    output: wire.moveProgress,
    timeoutMs: WHENEVER,
    run: (boundary, { tenant }) => boundary.catchUp(tenant),
  }),
  cutOver: operation({
    input: ofTenant,
    output: wire.cutOver,
    timeoutMs: WHENEVER,
    run: (boundary, { tenant }) => boundary.cutOver(tenant),
  }),
  abortMove: operation({
    input: ofTenant,
    output: wire.done,
    timeoutMs: WHENEVER,
    run: (boundary, { tenant }) => boundary.abortMove(tenant).then(() => undefined),
  }),
  finishMove: operation({
    input: ofTenant,
    output: wire.erasure,
    timeoutMs: WHENEVER,
    run: (boundary, { tenant }) => boundary.finishMove(tenant),
  }),
}

/** What tenants cost, and nothing else of them. */
export const METER_OPERATIONS = {
  costs: operation({
    input: z.strictObject({}),
    output: wire.costs,
    // It may read every row.
    timeoutMs: 10 * SOON,
    run: (meter: CostMeter) => meter.costs(),
  }),
}

export type Operations<T = LiveBoundary> = Readonly<Record<string, Operation<unknown, T>>>

/** Where an operation is served, by its name. */
export const pathOf = (name: string): string => `/v1/${name}`
