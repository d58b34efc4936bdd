import { ADMISSION_CHECKS } from './admission-checks.ts'
import { AUDIT_CHECKS } from './audit-checks.ts'
import type { GatewayCheck } from './check.ts'
import { FORM_CHECKS } from './form-checks.ts'
import { GRANT_CHECKS } from './grant-checks.ts'
import { GUARDRAIL_CHECKS } from './guardrail-checks.ts'
import { HEADER_CHECKS } from './header-checks.ts'
import { IDENTITY_CHECKS } from './identity-checks.ts'
import { LIMIT_CHECKS } from './limit-checks.ts'
import { NETWORK_CHECKS } from './network-checks.ts'
import { OPENAPI_CHECKS } from './openapi-checks.ts'
import { POLICY_CHECKS } from './policy-checks.ts'
import { RESTRAINT_CHECKS } from './restraint-checks.ts'
import { ROUTE_CHECKS } from './route-checks.ts'

/** Every check, in the order in which they run. */
export const GATEWAY_CHECKS: readonly GatewayCheck[] = [
  ...FORM_CHECKS,
  ...IDENTITY_CHECKS,
  ...NETWORK_CHECKS,
  ...GRANT_CHECKS,
  ...RESTRAINT_CHECKS,
  ...ROUTE_CHECKS,
  ...LIMIT_CHECKS,
  ...OPENAPI_CHECKS,
  ...POLICY_CHECKS,
  ...GUARDRAIL_CHECKS,
  ...ADMISSION_CHECKS,
  ...HEADER_CHECKS,
  ...AUDIT_CHECKS,
]
