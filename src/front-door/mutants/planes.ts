import { rmSync } from 'node:fs'
import { RingfenceError } from '../../core/errors.ts'
import { Denial, unauthenticated } from '../../gateway/denial.ts'
import type { GatewayCheck } from '../../gateway/check.ts'
import { Refusal } from '../../vending/refusal.ts'
import type { Check } from '../../vending/checks.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

const PLENTY = 1_000_000

/** A tenant that there is not, refused at once and by name. */
const saysUnknown: GatewayCheck = {
  name: 'tenant-exists',
  run({ tenant }) {
    if (tenant === undefined) throw new Denial('not_found', 'there is no such tenant', 'unknown')
  },
}

/** As above with the common answer, and without the work that the others cost. */
const refusesUnknownEarly: GatewayCheck = {
  name: 'tenant-exists',
  run({ tenant }) {
    if (tenant === undefined) throw unauthenticated('unknown', true)
  },
}

const saysWhoseLease: Check = {
  name: 'lease-of-own-tenant',
  stage: 'lease',
  layer: 'lease',
  run({ lease, context }) {
    if (lease !== undefined && lease.tenant !== context.tenant) {
      throw new RingfenceError('lease_denied', 'the lease is not yours')
    }
    if (lease === undefined) throw new Refusal('invalid_grant', 'lease', 'absent')
  },
}

/** The planes put together carelessly. */
export const PLANE_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-gateway-not-told',
    'The gateway not told of changes: what it remembers of tokens stays',
    ['fd-realm-replaced-key', 'fd-realm-removed-tenant', 'fd-upgrade-suspended'],
    () => ({ gatewayHears: false }),
  ),
  mutant(
    'fd-vending-not-told',
    'Vending not told of changes: leases of suspended tenants live on',
    ['fd-lease-outlives-suspension'],
    () => ({ vendingHears: false }),
  ),
  mutant(
    'fd-journal-forgotten',
    'A new journal at every start of vending',
    ['fd-workload-replay-after-restart', 'fd-revoked-lease-after-restart'],
    () => ({ journalDirectory: (directory, start) => `${directory}-${start}` }),
  ),
  mutant(
    'fd-journal-directory-gone',
    "The directory of vending's journal removed under it",
    [],
    () => ({ afterwards: (directory) => rmSync(directory, { recursive: true }) }),
  ),
  mutant(
    'fd-limits-before-identity',
    'Requests counted for a tenant before it is known who asks',
    ['fd-load-strangers'],
    ({ gatewayChecks }) => ({
      gatewayChecks: gatewayChecks.toSorted(
        (a, b) => Number(b.name === 'rate') - Number(a.name === 'rate'),
      ),
    }),
  ),
  mutant(
    'fd-seats-for-one',
    'All seats of the gateway open to one tenant',
    ['fd-load-seats'],
    () => ({ gatewayLimits: { concurrentPerTenant: PLENTY } }),
  ),
  mutant(
    'fd-places-for-one',
    'All places of vending open to one tenant',
    ['fd-load-places'],
    () => ({ vendingLimits: { atOncePerTenant: PLENTY } }),
  ),
  mutant(
    'fd-unknown-tenant-told',
    'The gateway says that there is no such tenant',
    ['fd-exists-by-answer'],
    ({ gatewayChecks }) => ({ gatewayChecks: [saysUnknown, ...gatewayChecks] }),
  ),
  mutant(
    'fd-unknown-tenant-early',
    'The gateway refuses unknown tenants without verifying anything',
    ['fd-exists-by-work'],
    ({ gatewayChecks }) => ({ gatewayChecks: [refusesUnknownEarly, ...gatewayChecks] }),
  ),
  mutant(
    'fd-foreign-lease-told',
    "Vending says that a lease is another tenant's",
    ['fd-exists-lease-renew', 'fd-exists-lease-revoke'],
    ({ vendingChecks }) => ({ vendingChecks: replaced(vendingChecks, saysWhoseLease) }),
  ),
]
