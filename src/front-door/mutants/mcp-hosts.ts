import { hostOfTools } from '../../contracts/tools-url.ts'
import { audienceOf } from '../../gateway/audience-of.ts'
import type { GatewayCheck, GatewayMemory } from '../../gateway/check.ts'
import { unauthenticated } from '../../gateway/denial.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { realmKeys } from '../../gateway/realm-keys.ts'
import { verifyAccessToken } from '../../tokens/access-token.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

type For = (exchange: Exchange, memory: GatewayMemory) => string

/** In the place of `token`: which audience it asks for, and whether it remembers for which it was. */
function token(audience: For): GatewayCheck {
  return {
    name: 'token',
    async run(exchange, memory) {
      const { tenant, claimed, tokenKey } = exchange
      if (tenant !== undefined && memory.tokens.has(tokenKey, tenant.id)) return
      const enter = memory.tokens.begin(tokenKey)
      const realm = { issuer: claimed?.issuer ?? '', audience: audience(exchange, memory) }
      const good = verifyAccessToken(exchange.token, realmKeys(tenant), realm)
      const { expiresAt } = await good.catch(() => {
        throw unauthenticated('careless', true)
      })
      if (tenant !== undefined) enter(tenant.id, expiresAt)
    },
  }
}

/** What a token says that it is for, if that is the tools of any host. */
const asClaimed: For = ({ token: text, configuration }) => {
  const { aud } = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString() || '{}')
  const isTools = typeof aud === 'string' && hostOfTools(aud) !== undefined
  return isTools ? aud : configuration.platform.audience
}

export const MCP_HOST_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-mcp-any-host',
    'A token for the tools of any host is one for tools',
    ['fd-mcp-other-host'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, token(asClaimed)) }),
  ),
  mutant(
    'fd-mcp-host-remembered',
    'A token that was good at one host is remembered as good',
    ['fd-mcp-host-alone'],
    ({ gatewayChecks }) => ({
      gatewayChecks: replaced(
        gatewayChecks,
        token((exchange, { publicProtocol }) => audienceOf(exchange, publicProtocol)),
      ),
    }),
  ),
]
