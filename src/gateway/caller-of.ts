import type { Caller } from '../limits/limit-key.ts'
import type { Exchange } from './exchange.ts'

/** For whom a request is counted; undefined when it is not known who calls whom. */
export function callerOf(exchange: Exchange): Caller | undefined {
  const { tenant, claimed, route, endpoint, head } = exchange
  if (tenant === undefined || claimed === undefined) return undefined
  return {
    tenant: tenant.id,
    // No API has such a name as these.
    api: endpoint === undefined ? (route?.api.name ?? '/') : endpoint.path,
    home: claimed.delegation?.grantee ?? claimed.tenant,
    client: claimed.client,
    user: claimed.subject,
    address: head.address,
  }
}
