import { type Listen, listen } from '../http/listen.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import { authzenApp } from './authzen.ts'
import { DecisionPoint } from './decision-point.ts'

export interface DecisionPointSettings {
  /** Its own id, `ringfence-decisions`: the audience of services' client assertions. */
  readonly audience: string
  /** A listener that services reach and tenants do not. */
  readonly listen: Listen
  /** Where services reach it, for its metadata. Default `http://localhost/`, as behind a socket. */
  readonly url?: string
  readonly source: ConfigurationSource
  readonly revocations: Pick<RevocationSource, 'revokes'>
  /** Gets one line of JSON a decision. */
  readonly log: (line: string) => void
}

/** Opens the decision point for services. @throws as `listen` */
export async function openDecisionPoint(
  settings: DecisionPointSettings,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { audience, source, revocations, log } = settings
  const point = new DecisionPoint({ audience, configuration: () => source.current(), revocations })
  const app = authzenApp(point, { url: settings.url ?? 'http://localhost/', log })
  const listening = await listen(app.fetch, settings.listen)
  return {
    url: listening.url,
    async close() {
      await listening.close()
      point.close()
    },
  }
}
