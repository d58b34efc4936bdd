/** Inside a tenant's API. */
export const MCP_PATH = '/mcp'

/** RFC 9728, section 3. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource'
