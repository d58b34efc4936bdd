/** One database role for each plane, with the rights of its row in the design and no more. */
export const PLANES = [
  'rf_control',
  'rf_identity',
  'rf_vending',
  'rf_gateway',
  'rf_records',
] as const
export type PlaneRole = (typeof PLANES)[number]

/**
 * What the control plane may do in its own schema. What is a record of the past can be added to and
 * read, and not changed: whoever takes the control plane over cannot rewrite what was done.
 */
export const REGISTRY_RIGHTS: Readonly<Record<string, string>> = {
  migration: 'select',
  tenant: 'select, insert, update',
  cell: 'select, insert, update',
  plan: 'select, insert, update, delete',
  host: 'select, insert, delete',
  placement: 'select, insert, update, delete',
  status_change: 'select, insert',
  workflow: 'select, insert, update',
  workflow_step: 'select, insert, update',
  workflow_event: 'select, insert',
  approval: 'select, insert, update',
  receipt: 'select, insert',
  executor: 'select, insert, update',
  setting: 'select, insert, update',
  operator: 'select, insert, update',
  act: 'select, insert',
  idempotency: 'select, insert, update, delete',
  job_issue: 'select, insert',
  message_seen: 'select, insert, delete',
  approver_seen: 'select, insert',
  first_user: 'select, insert, update, delete',
  support_policy: 'select, insert, update',
  support_access: 'select, insert, update',
  support_change: 'select, insert',
  object: 'select, insert, update, delete',
  delegation: 'select, insert, update',
  // What a tenant had declared is erased with it; that it had, and its hash, is not.
  object_generation: 'select, insert, update (spec)',
  // Entered by a trigger and by what the records plane calls.
  plan_span: 'select',
  spent_quota: 'select',
  spent_quota_change: 'select, delete',
  // Entered and lifted by what the records plane calls.
  address_block: 'select',
  grant_restraint: 'select',
  grant_restraint_change: 'select, delete',
}
