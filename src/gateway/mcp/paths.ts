/** Inside a tenant's API. */
export { TOOLS_PATH as MCP_PATH } from '../../contracts/tools-url.ts'

/** RFC 9728, section 3. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource'
