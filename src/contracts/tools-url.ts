/** Where a tenant's agents reach its tools: inside its API, and at the root of its own hosts. */
export const TOOLS_PATH = '/mcp'

/**
 * The tools at a tenant's own host, as the resource that their tokens are for (RFC 9728, section 1.2).
 * @param host with its port, where that is not the protocol's own
 */
export function toolsUrl(protocol: 'http' | 'https', host: string): string {
  return `${protocol}://${host.toLowerCase()}${TOOLS_PATH}`
}

/** The host whose tools a resource is; undefined for any other, and for another spelling of one. */
export function hostOfTools(resource: string): string | undefined {
  if (!URL.canParse(resource)) return undefined
  const { protocol, host, hostname } = new URL(resource)
  const isWeb = protocol === 'https:' || protocol === 'http:'
  return isWeb && resource === `${protocol}//${host}${TOOLS_PATH}` ? hostname : undefined
}
