import { createServer } from 'node:http'
import { listen, listenWith } from '../../http/listen.ts'
import { mountRealms } from '../../identity/mount-realms.ts'
import { openIdentity } from '../../identity/open-identity.ts'
import { PostgresRevocations } from '../../revocation/postgres-revocations.ts'
import { PromptRevocations } from '../../revocation/prompt-revocations.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { revocationOptions } from './follower-options.ts'
import type { Measures } from './measured.ts'
import { databaseSettings, type Served } from './served.ts'

/** Realms: their providers and pages, and their administration on a door of its own. */
export async function serveIdentity(
  spec: PlaneSpec<'identity'>,
  { log, telemetry }: Measures,
): Promise<Served> {
  const {
    database,
    revocations: _,
    telemetry: _settings,
    listen: door,
    admin: adminDoor,
    signIn,
    ...options
  } = spec
  const { audience, insideAllowed } = options
  const revocations = new PostgresRevocations()
  const revoked = await RevocationFollower.open(await revocationOptions(spec, log, true))
  const identity = await openIdentity({
    ...options,
    ...(telemetry === undefined ? {} : { telemetry: telemetry.server }),
    database: await databaseSettings(database),
    publisher: new PromptRevocations(revocations, () => revoked.look()),
    revoked,
    async mount(parts) {
      const mounted = await mountRealms(parts, { signIn, audience, insideAllowed, log })
      return {
        ...mounted,
        async maintain() {
          await revocations.forgetExpired(parts.database)
          await mounted.maintain?.()
        },
      }
    },
    log,
  }).catch(async (error: unknown) => {
    await revoked.close()
    throw error
  })
  const letGo = async () => {
    await identity.close()
    await revoked.close()
  }
  try {
    const admin = await listen(identity.admin.fetch, adminDoor)
    const front = await listenWith(createServer(identity.app), door).catch(
      async (error: unknown) => {
        await admin.close()
        throw error
      },
    )
    return {
      url: front.url,
      async close() {
        await Promise.all([front.close(), admin.close()])
        await letGo()
      },
    }
  } catch (error) {
    await letGo()
    throw error
  }
}
