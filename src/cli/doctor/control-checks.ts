import { z } from 'zod'
import { cellSchema, healthSchema, tenantSchema } from '../../control/api/schemas.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { type Answer, call } from '../../http/call.ts'
import type { ControlAccess } from '../control-access.ts'
import { ControlClient } from '../control-client.ts'
import { TOOL_VERSION } from '../tool-version.ts'
import { type Check, type Diagnosis, ok, skipped, warning, wrong } from './check.ts'

/** Tokens and signed messages are good for seconds: clocks must not be further apart. */
const SKEW_SECONDS_MAX = 5
const TENANTS_MAX = 5000

/** The control plane answers, agrees with this program about the time, and is of its version. */
export const checkControl: Check = async ({ access, noAccess, hasState }) => {
  if (access === undefined) {
    const found = noAccess ?? 'not known'
    const mend = hasState ? 'start the platform: ringfence up -f platform.yaml' : 'see --help'
    return [wrong('control', found, mend)]
  }
  const before = Date.now()
  let answer: Answer
  try {
    answer = await call(access.server, { method: 'GET', path: '/readyz', timeoutMs: 10_000 })
  } catch {
    const mend =
      'start it (ringfence up, or ringfence serve control), or see what is on the way to it'
    return [wrong('control', `${access.server} does not answer`, mend)]
  }
  if (answer.status !== 200) {
    const mend = 'see that the control database runs and that the control plane can log in to it'
    return [wrong('control', `${access.server} is not ready (status ${answer.status})`, mend)]
  }
  return [
    ok('control', `${access.server} is ready`),
    clock(answer, before),
    version(answer),
    ...(await known(access)),
  ]
}

function clock(answer: Answer, before: number): Diagnosis {
  const there = Date.parse(String(answer.headers.date ?? ''))
  if (Number.isNaN(there)) return skipped('clock', 'the server does not say what time it is')
  // Its second began at some moment between the call and its answer.
  const early = (before - there) / 1000 - 1
  const late = (there - Date.now()) / 1000
  const apart = Math.max(early, late, 0)
  if (apart <= SKEW_SECONDS_MAX) return ok('clock', 'the clocks agree')
  const found = `the clocks are ${Math.round(apart)} seconds apart`
  return wrong('clock', found, 'let both machines follow a time server (NTP)')
}

function version(answer: Answer): Diagnosis {
  const read = healthSchema.safeParse(jsonIn(answer.text))
  if (!read.success) return wrong('version', 'what answers is not a control plane', 'see --server')
  if (read.data.version === TOOL_VERSION) return ok('version', TOOL_VERSION)
  const found = `this program is ${TOOL_VERSION}, the control plane ${read.data.version}`
  return warning('version', found, 'use the same version on both sides')
}

/** What the control plane knows to be wrong: failed workflows, regions without room. */
async function known(access: ControlAccess): Promise<readonly Diagnosis[]> {
  const client = new ControlClient(access)
  try {
    const tenants = await client.list('/v1/tenants', tenantSchema, {}, TENANTS_MAX)
    const cells = await client.list('/v1/cells', cellSchema)
    return [ok('token', 'the token is good'), ...stuck(tenants), ...full(cells)]
  } catch (error) {
    const refused = error instanceof RingfenceError ? error.code : ''
    if (refused === 'not_authenticated') {
      const mend = 'have an operator make you one: ringfence operators create <name> --scope …'
      return [wrong('token', 'the token is not valid (any more)', mend)]
    }
    if (refused === 'forbidden') return [skipped('tenants', 'the token may not read tenants')]
    return [wrong('token', messageOf(error), 'see the log of the control plane')]
  }
}

function stuck(tenants: readonly z.infer<typeof tenantSchema>[]): readonly Diagnosis[] {
  const failed = tenants.filter(({ failure }) => failure !== null)
  if (failed.length === 0) return [ok('tenants', `${tenants.length}, none of which stands still`)]
  return failed.map(({ id, failure }) =>
    wrong(
      'tenants',
      `${id} stands at ${failure?.step}: ${failure?.why}`,
      `mend the reason, then: ringfence tenants resume ${id}`,
    ),
  )
}

function full(cells: readonly z.infer<typeof cellSchema>[]): readonly Diagnosis[] {
  const regions = [...new Set(cells.map(({ region }) => region))]
  if (regions.length === 0) {
    return [warning('room', 'there is no cell', 'ringfence cells apply -f cells.yaml')]
  }
  return regions.map((region) => {
    const room = cells
      .filter((cell) => cell.region === region && cell.open)
      .reduce((sum, { capacity, tenants }) => sum + Math.max(capacity - tenants, 0), 0)
    return room > 0
      ? ok('room', `${region}: ${room} more tenants`)
      : warning('room', `${region} takes no new tenant`, 'add a cell, or raise one’s capacity')
  })
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
