import { messageOf } from '../../core/errors.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { ArtifactStore } from '../provider/artifact-store.ts'
import type { EndAccess } from '../provider/end-access.ts'
import type { PostgresArtifacts } from '../provider/postgres-artifacts.ts'
import type { SealingKey } from '../sealing-key.ts'
import { DetectedSessions } from './detected-sessions.ts'
import { endSignedInBy, type EndSignedInBy, forgetSignedInBy } from './federated-sessions.ts'
import { LiveSessions } from './live-sessions.ts'
import { type LogoutNotice, LogoutNotices, type SendLogout } from './logout/logout-notices.ts'
import { PostgresSessionAdministration } from './postgres-session-administration.ts'
import type { RedisSettings } from './redis/redis-settings.ts'
import { RedisSessions } from './redis/redis-sessions.ts'
import type { SessionAdministration } from './session.ts'
import { SessionEnding } from './session-ending.ts'
import { NudgedRounds } from '../nudged-rounds.ts'

export interface SessionsOptions {
  readonly database: IdentityDatabase
  readonly artifacts: PostgresArtifacts
  readonly publisher: RevocationPublisher
  readonly sealing: SealingKey
  /** Where what the provider keeps of sessions and interactions is. Default: in the database. */
  readonly redis?: RedisSettings | undefined
  /** The schema `revocation` is beside us, and what detectors enter there is ended. Default false. */
  readonly followsDetectors?: boolean
  /** Takes one line. No secret is in it. */
  readonly log: (line: string) => void
}

/** The sessions of all realms of an identity plane. */
export interface OpenSessions {
  /** What the providers keep sessions and interactions in. */
  readonly store: ArtifactStore
  /** @param endAccess what ends all of a user, client or realm, and ends sessions in `store` with it */
  administration(endAccess: EndAccess): SessionAdministration
  readonly endSignedInBy: EndSignedInBy
  /**
   * Ends what detectors have voided, and tells clients of the ends of sessions, from now on until `close`.
   * Once.
   */
  tell(send: SendLogout): void
  /** Has a client told later that could not be told when its user signed out. */
  untold(notice: LogoutNotice): void
  /** Forgets what is past. Call it about every minute. */
  maintain(): Promise<void>
  close(): Promise<void>
}

/** @throws RingfenceError `invalid_argument` when a file of the settings cannot be read */
export function openSessions(options: SessionsOptions): OpenSessions {
  const { database, artifacts, publisher, sealing, redis: settings, log } = options
  const ending = new SessionEnding(artifacts, publisher)
  const redis =
    settings === undefined ? undefined : RedisSessions.open({ database, sealing, settings })
  const store = new LiveSessions({ database, payloads: redis ?? artifacts, ending })
  let rounds: NudgedRounds | undefined
  let detecting: NudgedRounds | undefined
  return {
    store,
    administration: (endAccess) =>
      new PostgresSessionAdministration({
        database,
        endAccess,
        ending,
        ended: () => rounds?.nudge(),
      }),
    async endSignedInBy(rows, tenant, by) {
      await endSignedInBy(rows, tenant, by, ending)
      rows.afterCommit?.(() => rounds?.nudge())
    },
    tell(send) {
      const notices = new LogoutNotices(database, send)
      rounds = new NudgedRounds(
        'sessions',
        async () => {
          const more = await notices.round()
          // When the other store is away, `maintain` says so.
          await redis?.tidy().catch(() => {})
          return more
        },
        log,
      )
      if (options.followsDetectors !== true) return
      const detected = new DetectedSessions(database, ending, () => rounds?.nudge())
      detecting = new NudgedRounds('sessions', () => detected.round(), log)
    },
    untold(notice) {
      LogoutNotices.enter(database, notice).catch((error: unknown) =>
        log(`sessions: ${messageOf(error)}`),
      )
    },
    async maintain() {
      await database.query(FORGET_SESSIONS)
      await database.query(FORGET_CUTOFFS)
      await forgetSignedInBy(database)
      // While the other store is away, everything else is looked after.
      await redis?.tidy().catch((error: unknown) => log(`sessions: ${messageOf(error)}`))
    },
    async close() {
      await Promise.all([rounds?.close(), detecting?.close()])
      redis?.close()
    },
  }
}

/** No request is under way so long: what was ended stays known until none can bring it back. */
const FORGET_SESSIONS = `delete from identity.session
  where greatest(ended_at, expires_at) < now() - interval '1 hour'
    or ended_at < now() - interval '1 day'`

/** Longer than an interaction lives, in which somebody may have signed in before the cut-off. */
const FORGET_CUTOFFS = `delete from identity.session_cutoff where at < now() - interval '2 hours'`
