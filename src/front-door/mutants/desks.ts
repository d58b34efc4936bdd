import { parseTenantId } from '../../core/tenant.ts'
import type { Kind } from '../../vending/attempt.ts'
import type { Check } from '../../vending/checks.ts'
import { Refusal } from '../../vending/refusal.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

/** Whoever helps several customers names one of them. */
const tenantOfForm: Check = {
  name: 'tenant-of-form',
  stage: 'what',
  layer: 'form',
  run(attempt) {
    const named = attempt.form.get('tenant')
    if (named === undefined) return
    const tenant = attempt.configuration.tenant(parseTenantId(named))
    if (tenant === undefined) throw new Refusal('invalid_grant', 'tenant', 'unknown')
    Object.assign(attempt, { tenant })
    attempt.context = { ...attempt.context, tenant: tenant.id }
  },
}

/** RFC 8693, section 2.2.2, has an error for a target that there is not. */
const saysUnknownTenant: Check = {
  name: 'tenant-is-known',
  stage: 'who',
  layer: 'tenant',
  run({ tenant }) {
    if (tenant === undefined) throw new Refusal('invalid_target', 'tenant', 'unknown')
  },
}

const saysUnknownWorkload: Check = {
  name: 'workload-is-known',
  stage: 'who',
  layer: 'client',
  run({ workload }) {
    if (workload !== undefined) return
    throw new Refusal('invalid_client', 'client', 'unknown', { status: 404 })
  },
}

/** Not before a revocation is it asked whose lease it is, or for nothing else. */
function onlyFor(name: string, kind: Kind) {
  return (checks: readonly Check[]) =>
    checks.map((check) => (check.name === name ? { ...check, kinds: [kind] } : check))
}

function desk(
  id: string,
  title: string,
  noticedBy: readonly string[],
  worse: (checks: readonly Check[]) => readonly Check[],
): FrontDoorMutant {
  return mutant(id, title, noticedBy, ({ vendingChecks }) => ({
    vendingChecks: worse(vendingChecks),
  }))
}

/** Vending believes what it should not, forgets to ask, or says too much. */
export const DESK_MUTANTS: readonly FrontDoorMutant[] = [
  desk(
    'fd-vending-tenant-of-form',
    'A tenant that the form names comes before that of the context',
    ['fd-lease-tenant-ignored'],
    (checks) => [...checks, tenantOfForm],
  ),
  desk(
    'fd-vending-renews-for-tenants',
    'Whose tenant a lease is asked when it is revoked, and not when it is renewed',
    ['fd-lease-renew-foreign', 'fd-exists-lease-renew'],
    onlyFor('lease-of-own-tenant', 'revocation'),
  ),
  desk(
    'fd-vending-renews-for-workloads',
    'Which workload holds a lease asked when it is revoked, and not when it is renewed',
    ['fd-lease-renew-other-workload'],
    onlyFor('lease-of-own-workload', 'revocation'),
  ),
  desk(
    'fd-vending-unknown-tenant-told',
    'Vending says that there is no such tenant, before it verifies anything',
    ['fd-exists-by-context'],
    (checks) => [saysUnknownTenant, ...checks],
  ),
  desk(
    'fd-vending-unknown-workload-told',
    'Vending says that it does not know a workload',
    ['fd-exists-by-workload'],
    (checks) => [saysUnknownWorkload, ...checks],
  ),
]
