import type pg from 'pg'
import type { AlertIntake } from '../alerts/alert.ts'
import { submitEntries } from '../audit/submit-entries.ts'
import { messageOf } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { Behaviour } from './behaviour.ts'
import { BehaviourDatabase } from './behaviour-database.ts'
import { Reactions } from './reactions.ts'
import { type BehaviourSettingsInput, behaviourSettingsSchema } from './settings.ts'
import { StoredBaselines } from './stored-baselines.ts'
import { StoredResponses } from './stored-responses.ts'

const SAVE_MS = 60_000
const LOOK_MS = 5_000

export interface OpenBehaviourOptions {
  /** The control database, as `rf_records`. */
  readonly database: pg.ClientConfig
  readonly alerts: AlertIntake
  /** Default: everybody's defaults. */
  readonly settings?: BehaviourSettingsInput
  readonly now?: () => number
  readonly log: (line: string) => void
  /** Between savings of what is usual. A kill loses so much of the counting. Default a minute. */
  readonly saveMs?: number
  /** Between looks for responses that are over, or to be carried on. Default 5 s. */
  readonly lookMs?: number
}

export interface OpenBehaviour {
  /** Hand it what is entered and used. */
  readonly behaviour: Behaviour
  readonly responses: StoredResponses
  /** When all that was found is acted on. */
  settled(): Promise<void>
  /** Keeps what is usual as it is now. */
  save(): Promise<void>
  /** A tenant that is gone. */
  forget(tenant: TenantId): Promise<void>
  close(): Promise<void>
}

/** @throws RingfenceError `invalid_argument`, `engine_unavailable` */
export async function openBehaviour(options: OpenBehaviourOptions): Promise<OpenBehaviour> {
  const { alerts, log, now = Date.now, saveMs = SAVE_MS, lookMs = LOOK_MS } = options
  const settings = behaviourSettingsSchema.parse(options.settings ?? {})
  const database = await BehaviourDatabase.open(options.database)
  try {
    const responses = new StoredResponses(database)
    const reactions = new Reactions({
      ...{ settings, responder: responses, alerts, now, log },
      enter: (entries) => submitEntries(database, entries),
    })
    const behaviour = new Behaviour({ settings, now, found: (finding) => reactions.add(finding) })
    const stored = new StoredBaselines(database)
    await stored.load(behaviour.baselines)
    const save = async () => {
      await stored.save(behaviour.baselines)
      await stored.forgetOld()
    }
    const saving = every(saveMs, save, 'not kept', log)
    const looking = every(lookMs, () => responses.look(), 'not carried on', log)
    return {
      ...{ behaviour, responses, save },
      settled: () => reactions.settled(),
      async forget(tenant) {
        behaviour.forget(tenant)
        await stored.forget(tenant)
        await responses.forget(tenant)
      },
      async close() {
        await Promise.all([saving(), looking(), reactions.close()])
        await save().catch((error: unknown) => log(`behaviour: not kept: ${messageOf(error)}`))
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** @returns ends it, and waits for what is under way */
function every(
  milliseconds: number,
  work: () => Promise<void>,
  trouble: string,
  log: (line: string) => void,
): () => Promise<void> {
  let running = Promise.resolve()
  let isUnderWay = false
  const timer = setInterval(() => {
    if (isUnderWay) return
    isUnderWay = true
    running = work()
      .catch((error: unknown) => log(`behaviour: ${trouble}: ${messageOf(error)}`))
      .finally(() => {
        isUnderWay = false
      })
  }, milliseconds)
  return () => {
    clearInterval(timer)
    return running
  }
}
