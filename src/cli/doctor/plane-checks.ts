import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { type Address, type Answer, call } from '../../http/call.ts'
import type { Listen } from '../../http/listen.ts'
import { loadPlaneSpec, type Plane } from '../../platform/plane-config.ts'
import { type Check, type Diagnosis, ok, skipped, wrong } from './check.ts'

const TIMEOUT_MS = 5000
const CHECKED = ['identity', 'vending', 'gateway', 'records'] as const
type Checked = (typeof CHECKED)[number]

/** Each plane that is configured here, by its own word. The control plane has a check of its own. */
export const checkPlanes: Check = async ({ state, hasState }) => {
  if (!hasState) return [skipped('planes', `there is no ${state} here`)]
  const diagnoses = await Promise.all(
    CHECKED.map((plane) => examine(plane, configOf(state, plane))),
  )
  return diagnoses.flat()
}

/** The cells’ hosts, by the sockets that the control plane reaches them on. */
export const checkCells: Check = async ({ state, hasState }) => {
  const config = configOf(state, 'control')
  if (!hasState || !existsSync(config))
    return [skipped('cells', 'no control plane is configured here')]
  try {
    const { cells } = loadPlaneSpec('control', config)
    return await Promise.all(
      cells.map(async ({ name, keeper }) =>
        (await opens(keeper))
          ? ok('cells', `${name} answers`)
          : wrong(
              'cells',
              `${name} does not answer on ${keeper}`,
              'see the log of the cell; a cell whose server cannot start says why there',
            ),
      ),
    )
  } catch (error) {
    return [wrong('cells', messageOf(error), 'mend the file; ringfence up writes it anew')]
  }
}

function configOf(state: string, plane: Plane): string {
  return join(state, 'planes', `${plane}.json`)
}

async function examine(plane: Checked, config: string): Promise<Diagnosis> {
  if (!existsSync(config)) return skipped(plane, 'not configured here')
  let address: Address
  try {
    address = addressOf(plane, config)
  } catch (error) {
    return wrong(plane, messageOf(error), 'mend the file; ringfence up writes it anew')
  }
  let answer: Answer
  try {
    answer = await health(address)
  } catch {
    const mend = `start it: ringfence up, or ringfence serve ${plane} --config ${config}`
    return wrong(plane, `does not answer on ${address}`, mend)
  }
  if (answer.status < 300) return ok(plane, 'is ready')
  return wrong(plane, `is not ready (${reason(answer)})`, MENDS[plane])
}

/** Whether it can serve; of a plane that does not tell that apart, whether it runs. */
async function health(address: Address): Promise<Answer> {
  const ready = await call(address, { method: 'GET', path: '/readyz', timeoutMs: TIMEOUT_MS })
  if (ready.status !== 404) return ready
  return call(address, { method: 'GET', path: '/healthz', timeoutMs: TIMEOUT_MS })
}

const MENDS = {
  identity: 'see that the control database runs, and the log of the identity plane',
  vending:
    'its configuration is stale or its journal cannot be written: let it reach the control database, and see the disk',
  gateway:
    'its configuration is stale or of another key: let it reach the control database, and see its log',
  records: 'its configuration is stale: let it reach the control database, and see its log',
} as const

function addressOf(plane: Checked, config: string): Address {
  // Where operators ask, which tenants do not reach, when there is one.
  if (plane === 'vending') return urlOf(loadPlaneSpec('vending', config).listen)
  if (plane === 'records') return urlOf(loadPlaneSpec('records', config).intake)
  return urlOf(loadPlaneSpec(plane, config).admin)
}

function urlOf(listen: Listen): Address {
  return 'socket' in listen ? `unix:${listen.socket}` : `http://${listen.host}:${listen.port}`
}

function reason({ status, text }: Answer): string {
  const why = /"(?:why|title)":"([^"\\]{1,200})"/.exec(text)?.[1]
  return why ?? `status ${status}`
}

function opens(address: Address): Promise<boolean> {
  const url = address.startsWith('unix:') ? undefined : new URL(address)
  const target =
    url === undefined
      ? { path: address.slice('unix:'.length) }
      : { host: url.hostname, port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) }
  return new Promise((resolve) => {
    const socket = connect(target)
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(TIMEOUT_MS, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
