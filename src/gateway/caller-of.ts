import type { Caller } from '../limits/limit-key.ts'
import type { Exchange } from './exchange.ts'
import { TokenNote } from './note.ts'

const last = new TokenNote<Caller>()

/** For whom a request is counted; undefined when it is not known who calls whom. */
export function callerOf(exchange: Exchange): Caller | undefined {
  const { tenant, claimed, route, endpoint, head } = exchange
  if (tenant === undefined || claimed === undefined) return undefined
  // No API has such a name as these.
  const api = endpoint === undefined ? (route?.api.name ?? '/') : endpoint.path
  const { address } = head
  const known = last.get(exchange)
  if (known?.tenant === tenant.id && known.api === api && known.address === address) return known
  const caller = {
    tenant: tenant.id,
    api,
    home: claimed.delegation?.grantee ?? claimed.tenant,
    client: claimed.client,
    user: claimed.subject,
    address,
    keys: [],
  }
  last.set(exchange, caller)
  return caller
}
