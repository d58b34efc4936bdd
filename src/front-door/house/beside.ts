import { join } from 'node:path'
import type { Gateway } from '../../gateway/gateway.ts'
import { listen, type Listening } from '../../http/listen.ts'
import { authzenApp } from '../../policy/authzen.ts'
import type { DecisionPointOptions } from '../../policy/decision-point.ts'
import type { Address } from '../../strikes/wire.ts'
import { DECISIONS_AUDIENCE } from './ground.ts'
import type { House } from './house.ts'

/** What a proxy of the platform's shows to the authorizer. */
export const PROXY_SECRET = 'a-secret-of-the-proxies-0123456789'

/** Something that runs beside the front door and decides as it does. */
export interface Beside {
  readonly address: Address
  close(): Promise<void>
}

/** The decision point for services. */
export async function openDecisions(
  { pieces, ground }: House,
  options: Omit<DecisionPointOptions, 'audience'>,
  directory: string,
): Promise<Beside> {
  const point = pieces.decisionPoint({ audience: DECISIONS_AUDIENCE, ...options }, ground)
  const app = authzenApp(point, { url: 'http://decisions/', log: () => undefined })
  const listening = await listen(app.fetch, { socket: join(directory, 'decisions') })
  return beside(listening, () => point.close())
}

/** The authorizer that another proxy asks, which passes requests on itself. */
export async function openQuestions(
  { pieces }: House,
  decide: Gateway['decide'],
  directory: string,
): Promise<Beside> {
  const options = {
    decide,
    listen: { socket: join(directory, 'authorizer') },
    secret: PROXY_SECRET,
  }
  return beside(await pieces.openAuthorizer(options), () => undefined)
}

function beside(listening: Listening, close: () => void): Beside {
  return {
    address: { path: listening.url.slice('unix:'.length) },
    async close() {
      await listening.close()
      close()
    },
  }
}
