import { logOf } from '../../audit/entry.ts'
import type { Address } from '../../http/call.ts'
import { logApi, type LogApiOptions } from './log-api.ts'
import { operatorOf } from './operator.ts'

/** A reader that goes on is asked about again after so long. */
const AGAIN_MS = 30_000

export interface PlatformLogApiOptions extends Omit<LogApiOptions, 'readerOf' | 'by'> {
  /** Where it is asked who an operator is. */
  readonly control: Address
  /** Milliseconds, of a clock that only goes on. */
  readonly now?: () => number
}

/** The platform's own log, for operators of its security, by the same reading as tenants'. */
export function platformLogApi(options: PlatformLogApiOptions): ReturnType<typeof logApi> {
  const { control, now = () => performance.now() } = options
  return logApi({
    ...options,
    by: 'operator',
    readerOf: async (headers) => {
      await operatorOf(control, headers, 'log')
      let asked = now()
      return {
        log: logOf(undefined),
        requestId: undefined,
        async stillMay() {
          if (now() - asked < AGAIN_MS) return
          await operatorOf(control, headers, 'log')
          asked = now()
        },
      }
    },
  })
}
