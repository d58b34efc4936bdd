import { DenialThrottle } from '../audit/denial-throttle.ts'
import { makeEntry } from '../audit/make-entry.ts'
import { submitEntries } from '../audit/submit-entries.ts'
import type { Refusals, RefusedCall } from './control-plane.ts'
import type { Database } from './database.ts'

/** That are entered one by one in a minute. Beyond it they are entered as a number. */
const PER_MINUTE = 600

/** Refusals of calls, in the platform's log. */
export class RegisteredRefusals implements Refusals {
  readonly #database: Database
  readonly #throttle = new DenialThrottle(PER_MINUTE)

  constructor(database: Database) {
    this.#database = database
  }

  async enter({ by, requestId, address, reason }: RefusedCall): Promise<void> {
    const { write, uncounted } = this.#throttle.next()
    const denial = { category: 'authentication', decision: 'denied', layer: 'control' } as const
    const nobody = { kind: 'unknown', id: 'unknown' } as const
    const entries = [
      ...(uncounted === 0
        ? []
        : [
            { ...denial, action: 'denials.uncounted', actor: nobody, detail: { count: uncounted } },
          ]),
      ...(write
        ? [
            {
              ...denial,
              action: 'operator.refused',
              actor: by === undefined ? nobody : ({ kind: 'operator', id: by.name } as const),
              reason,
              request_id: requestId,
              address,
            },
          ]
        : []),
    ]
    if (entries.length === 0) return
    await this.#database.transaction((tx) => submitEntries(tx, entries.map(makeEntry)))
  }
}
