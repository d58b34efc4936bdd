import { logOf } from '../../audit/entry.ts'
import { type CallerOptions, callerOf } from './caller.ts'
import { logApi, type LogApiOptions } from './log-api.ts'

export interface AuditApiOptions extends CallerOptions, Omit<LogApiOptions, 'readerOf' | 'by'> {}

/** A tenant's own log, for its administrators and auditors. There is no way to name another log. */
export function auditApi(options: AuditApiOptions): ReturnType<typeof logApi> {
  return logApi({
    ...options,
    readerOf: async (headers) => {
      const { tenant, requestId, stillMay } = await callerOf(headers, options)
      return { log: logOf(tenant), requestId, stillMay }
    },
  })
}
