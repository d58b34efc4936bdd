import { AUTHORIZER_MUTANTS } from './authorizers.ts'
import { CONTEXT_VERIFIER_MUTANTS } from './context-verifiers.ts'
import { DECISION_MUTANTS } from './decisions.ts'
import { DESK_MUTANTS } from './desks.ts'
import { FOLLOWER_MUTANTS } from './followers.ts'
import type { FrontDoorMutant } from './front-door-mutant.ts'
import { FRONT_MUTANTS } from './fronts.ts'
import { GRANT_MUTANTS } from './grants.ts'
import { GUARDRAIL_MUTANTS } from './guardrails.ts'
import { HEADER_MUTANTS } from './headers.ts'
import { LEFT_OUT } from './left-out.ts'
import { LIMIT_MUTANTS } from './limits.ts'
import { MCP_HOST_MUTANTS } from './mcp-hosts.ts'
import { MCP_MUTANTS } from './mcp.ts'
import { NETWORK_MUTANTS } from './networks.ts'
import { PLANE_MUTANTS } from './planes.ts'
import { POLICY_MUTANTS } from './policies.ts'
import { READER_MUTANTS } from './readers.ts'
import { REVOCATION_MUTANTS } from './revocations.ts'
import { SETTINGS_MUTANTS } from './settings-mutants.ts'
import { SIGNED_CONTEXT_MUTANTS } from './signed-contexts.ts'
import { TRACE_MUTANTS } from './traces.ts'
import { UPGRADE_MUTANTS } from './upgrades.ts'
import { UPSTREAM_MUTANTS } from './upstreams.ts'
import { VERIFIER_MUTANTS } from './verifiers.ts'

/** Every mutant of the front door: each is one careless change. */
export const FRONT_DOOR_MUTANTS: readonly FrontDoorMutant[] = [
  ...LEFT_OUT,
  ...READER_MUTANTS,
  ...POLICY_MUTANTS,
  ...GRANT_MUTANTS,
  ...DECISION_MUTANTS,
  ...AUTHORIZER_MUTANTS,
  ...NETWORK_MUTANTS,
  ...UPGRADE_MUTANTS,
  ...TRACE_MUTANTS,
  ...UPSTREAM_MUTANTS,
  ...LIMIT_MUTANTS,
  ...MCP_MUTANTS,
  ...MCP_HOST_MUTANTS,
  ...VERIFIER_MUTANTS,
  ...CONTEXT_VERIFIER_MUTANTS,
  ...GUARDRAIL_MUTANTS,
  ...SIGNED_CONTEXT_MUTANTS,
  ...HEADER_MUTANTS,
  ...FRONT_MUTANTS,
  ...DESK_MUTANTS,
  ...FOLLOWER_MUTANTS,
  ...PLANE_MUTANTS,
  ...REVOCATION_MUTANTS,
  ...SETTINGS_MUTANTS,
]
