import type { FrontDoorAttack } from './attack.ts'
import { AUTHORIZERS } from './authorizers.ts'
import { CARRIED } from './carried.ts'
import { CLAIMS } from './claims.ts'
import { CONFIGURATION } from './configuration.ts'
import { CONTEXTS } from './contexts.ts'
import { DECISIONS } from './decisions.ts'
import { DESCRIPTIONS } from './descriptions.ts'
import { ENTRIES } from './entries.ts'
import { EXISTENCE } from './existence.ts'
import { FRAMING } from './framing.ts'
import { GRANT_TOOLS } from './grant-tools.ts'
import { GRANTS } from './grants.ts'
import { GUARDRAILS_ATTACKED } from './guardrails.ts'
import { ANSWERS } from './answers.ts'
import { HEADERS } from './headers.ts'
import { LEASES } from './leases.ts'
import { LIMITS } from './limits.ts'
import { LOAD } from './load.ts'
import { MCP_HOSTS } from './mcp-hosts.ts'
import { MCP } from './mcp.ts'
import { NETWORKS } from './networks.ts'
import { POLICIES } from './policies.ts'
import { PROOFS } from './proofs.ts'
import { REALMS } from './realms.ts'
import { REDIRECTS } from './redirects.ts'
import { REVOCATIONS } from './revocations.ts'
import { ROUTES } from './routes.ts'
import { SIGNED_CONTEXTS } from './signed-contexts.ts'
import { SUSPENSION } from './suspension.ts'
import { TOKENS } from './tokens.ts'
import { TRACES } from './traces.ts'
import { UPGRADES } from './upgrades.ts'
import { UPSTREAMS } from './upstreams.ts'
import { WORKLOADS } from './workloads.ts'

/** Every attack on the way of a request. */
export const FRONT_DOOR_ATTACKS: readonly FrontDoorAttack[] = [
  ...TOKENS,
  ...CLAIMS,
  ...REALMS,
  ...NETWORKS,
  ...UPGRADES,
  ...TRACES,
  ...UPSTREAMS,
  ...REDIRECTS,
  ...MCP,
  ...MCP_HOSTS,
  ...ROUTES,
  ...FRAMING,
  ...HEADERS,
  ...ANSWERS,
  ...CONTEXTS,
  ...SIGNED_CONTEXTS,
  ...WORKLOADS,
  ...LEASES,
  ...SUSPENSION,
  ...REVOCATIONS,
  ...PROOFS,
  ...POLICIES,
  ...GRANTS,
  ...GRANT_TOOLS,
  ...DECISIONS,
  ...AUTHORIZERS,
  ...CARRIED,
  ...DESCRIPTIONS,
  ...GUARDRAILS_ATTACKED,
  ...CONFIGURATION,
  ...EXISTENCE,
  ...LOAD,
  ...LIMITS,
  ...ENTRIES,
]
