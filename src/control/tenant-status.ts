import { RingfenceError } from '../core/errors.ts'
import type { TenantStatus } from './control-plane.ts'

/**
 * Which status may follow which. Anything else is refused, whatever asks for it.
 * - `requested` → `erased`: refused, or given up before anything was made for it.
 * - `offboarding` → `active`, `suspended`: called off during the grace period.
 * - `erased` → `requested`: the id is taken again; it gets a new place and a new realm.
 */
export const TRANSITIONS: Readonly<Record<TenantStatus, readonly TenantStatus[]>> = {
  requested: ['provisioning', 'erased'],
  provisioning: ['active', 'offboarding'],
  active: ['suspended', 'moving', 'offboarding'],
  suspended: ['active', 'offboarding'],
  moving: ['active', 'offboarding'],
  offboarding: ['active', 'suspended', 'erased'],
  erased: ['requested'],
}

/** @throws RingfenceError `conflict` for a change that there is not */
export function checkTransition(from: TenantStatus, to: TenantStatus): void {
  if (!TRANSITIONS[from].includes(to)) {
    throw new RingfenceError('conflict', `a tenant that is ${from} cannot become ${to}`)
  }
}
