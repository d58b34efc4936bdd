import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import { recordAct, requireScope } from '../act.ts'
import { ActsElsewhere } from '../acts-elsewhere.ts'
import type { Actor } from '../control-plane.ts'
import type { Database } from '../database.ts'
import type { Realms } from '../ports.ts'
import type { RealmRefresh } from '../realm-refresh.ts'
import type { FourEyes } from './four-eyes.ts'
import type { Security } from './security.ts'

export interface RegisteredSecurityParts {
  readonly database: Database
  readonly realms: Realms
  readonly refresh: Pick<RealmRefresh, 'refreshTenant'>
  readonly publisher: RevocationPublisher | undefined
  readonly fourEyes: FourEyes
}

/** Emergencies, by people with the right for them, recorded before they take effect. */
export class RegisteredSecurity implements Security {
  readonly #parts: RegisteredSecurityParts

  constructor(parts: RegisteredSecurityParts) {
    this.#parts = parts
  }

  async replaceKeys(tenant: TenantId, compromised: boolean, by: Actor): Promise<void> {
    const { database, realms, refresh, fourEyes } = this.#parts
    requireScope(by, 'security:write')
    const there = await database.query(
      'select from registry.tenant where id = $1 and serving is not null',
      [tenant],
    )
    if (there.length === 0) throw new RingfenceError('not_found', 'no such tenant')
    const act = { by, action: 'keys.replace', subject: tenant, tenant, detail: { compromised } }
    await new ActsElsewhere(database).once(act, {
      pass: async (attempt) =>
        compromised
          ? fourEyes.pass(
              by,
              {
                kind: 'keys-replace',
                tenant,
                subject: tenant,
                summary: `replace all signing keys of ${tenant} at once: every token it issued is void`,
                detail: {},
              },
              attempt,
            )
          : undefined,
      carryOut: async () => {
        await realms.rotateKeys(tenant, compromised)
        // Gateways go on with the keys that they know until they are told.
        await refresh.refreshTenant(tenant)
        return {}
      },
    })
  }

  async revokeEverything(why: string, by: Actor): Promise<{ readonly at: Date }> {
    const { database, publisher, fourEyes } = this.#parts
    requireScope(by, 'security:write')
    if (publisher === undefined) {
      throw new RingfenceError('engine_unavailable', 'nobody here tells others of revocations')
    }
    if (why.trim() === '') throw new RingfenceError('invalid_argument', 'say why')
    const pass = await fourEyes.pass(by, {
      kind: 'revoke-everything',
      subject: 'everything',
      summary: `void every token and session of every realm: ${why}`,
      detail: {},
    })
    const at = new Date()
    await database.transaction(async (tx) => {
      await pass.use(tx)
      await recordAct(tx, by, 'revoke.everything', 'everything', { why })
      await publisher.publish(tx, { kind: 'everything', at })
    })
    return { at }
  }
}
