import { isIP } from 'node:net'
import { upstreamGuard } from '../upstreams/upstream-guard.ts'
import { type Outside, tenantOutside } from './outside.ts'

/** The outside as a tenant reaches it, in a world in which every name leads to one address. */
export function resolvedOutside(address: string): Outside {
  return tenantOutside({
    guard: upstreamGuard({
      lookup: (_host, _options, callback) => callback(null, [{ address, family: isIP(address) }]),
    }),
  })
}
