import type { ServiceConfig } from '../snapshot/snapshot.ts'

/** The service with the longest prefix, in whole segments, of a path. */
export function serviceOf(
  services: readonly ServiceConfig[],
  path: string,
): ServiceConfig | undefined {
  let best: ServiceConfig | undefined
  for (const service of services) {
    const { prefix } = service
    const matches = prefix === '/' || path === prefix || path.startsWith(`${prefix}/`)
    if (matches && (best === undefined || prefix.length > best.prefix.length)) best = service
  }
  return best
}
