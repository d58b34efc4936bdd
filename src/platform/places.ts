import { join } from 'node:path'
import type { CellName } from '../core/tenant.ts'
import type { Plane } from './plane-config.ts'
import { socketPathIn } from './socket-path.ts'

/** Where the parts of a platform on one state directory find each other. */
export interface Places {
  readonly keeper: (cell: CellName) => string
  readonly leaser: (cell: CellName) => string
  readonly meter: (cell: CellName) => string
  readonly vending: string
  readonly identityAdmin: string
  readonly gatewayAdmin: string
  readonly decisions: string
  readonly intake: string
  readonly config: (plane: Plane) => string
}

/** Sockets lie in the state directory, which only our own user may enter. */
export async function placesIn(
  stateDirectory: string,
  cells: readonly { readonly name: CellName }[],
): Promise<Places> {
  const socket = (name: string) => socketPathIn(stateDirectory, `${name}.sock`)
  const sockets = new Map<string, string>()
  for (const { name } of cells) {
    for (const door of ['keeper', 'leaser', 'meter']) {
      sockets.set(`${door}-${name}`, await socket(`${door}-${name}`))
    }
  }
  return {
    keeper: (cell) => sockets.get(`keeper-${cell}`) ?? '',
    leaser: (cell) => sockets.get(`leaser-${cell}`) ?? '',
    meter: (cell) => sockets.get(`meter-${cell}`) ?? '',
    vending: await socket('vending'),
    identityAdmin: await socket('identity-admin'),
    gatewayAdmin: await socket('gateway-admin'),
    decisions: await socket('decisions'),
    intake: await socket('records-intake'),
    config: (plane) => join(stateDirectory, 'planes', `${plane}.json`),
  }
}
