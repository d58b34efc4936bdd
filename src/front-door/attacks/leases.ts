import type { Duel } from '../duel.ts'
import { assertionOf, contextFor } from '../house/claims.ts'
import { LEASE_SECONDS_MAX, tenantOf, withTenant } from '../house/settings.ts'
import { attack, type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { ownerGetsLease, ownerLeases, vend } from './calls.ts'
import { vendingAttack } from './workloads.ts'

/** What a service that works for the attacker's tenant asks of vending, with its own good key. */
export const LEASES: readonly FrontDoorAttack[] = [
  vendingAttack(
    {
      id: 'fd-lease-tenant-in-form',
      title: 'The victim named in the form, as tenant, resource, audience, actor or subject',
      references: ['JW-8', 'HT-9', 'JW-13'],
    },
    async ({ ground, attacker, victim }) => {
      const subject_token = await contextFor(ground, attacker)
      const theirs = await contextFor(ground, victim)
      return [
        { resource: `urn:tenant:${victim.tenant}` },
        { audience: victim.tenant },
        { actor_token: theirs, actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
        { requested_token_type: `urn:tenant:${victim.tenant}` },
        { subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      ].map((fields) => ({ fields: { subject_token, ...fields } }))
    },
  ),
  attack(
    {
      id: 'fd-lease-tenant-ignored',
      title: 'The victim named in fields that nobody has asked for, and in header fields',
      kind: 'read',
      references: ['JW-8', 'HT-1'],
    },
    {
      owner: ownerGetsLease,
      async attempt({ ground, attacker, victim, wire, door }) {
        const subject_token = await contextFor(ground, attacker)
        const vended = await Promise.all([
          ...['tenant', 'tenant_id', 'org', 'realm', 'sub', 'place', 'cell'].map((name) =>
            vend(wire, door, { fields: { subject_token, [name]: victim.tenant } }),
          ),
          ...['X-Tenant-Id', 'Ringfence-Tenant', 'X-Forwarded-Host'].map((name) =>
            vend(wire, door, { fields: { subject_token }, headers: [[name, victim.tenant]] }),
          ),
        ])
        // Granted or not: what is given is the caller's own tenant's, or the canary says so.
        return { crossed: false, met: statusesOf(vended.map(({ heard }) => heard)) }
      },
    },
  ),
  vendingAttack(
    {
      id: 'fd-lease-parameter-twice',
      title: 'A parameter twice: two contexts, two scopes, two assertions',
      references: ['HT-9'],
    },
    async ({ ground, attacker, victim }) => {
      const own = await contextFor(ground, attacker)
      const { web, report } = ground.workloads
      const again = (name: string, value: string) => `&${name}=${encodeURIComponent(value)}`
      const base = { subject_token: own }
      return [
        { fields: { ...base, scope: 'read' }, tail: again('scope', 'write') },
        { fields: base, tail: again('subject_token', await contextFor(ground, victim)) },
        { fields: base, tail: again('client_assertion', assertionOf(report)) },
        {
          fields: { ...base, client_assertion: assertionOf(report) },
          tail: again('client_assertion', assertionOf(web)),
        },
        { fields: { ...base, lease_seconds: '60' }, tail: again('lease_seconds', '600') },
        { fields: base, tail: '&%73cope=read&scope=write' },
      ]
    },
  ),
  vendingAttack(
    {
      id: 'fd-lease-second-way-in',
      title: 'A second authentication in a header, and parameters where logs keep them',
      references: ['HT-9'],
    },
    async ({ ground, attacker, victim }) => {
      const subject_token = await contextFor(ground, attacker)
      return [
        { fields: { subject_token }, headers: [['Authorization', 'Basic Y2xpbmljLXdlYjp4']] },
        { fields: { subject_token }, headers: [['Authorization', `Bearer ${victim.tenant}`]] },
        { fields: { subject_token }, path: `/v1/token?tenant=${victim.tenant}` },
        { fields: { subject_token }, path: '/v1/token?scope=write' },
      ]
    },
  ),
  foreignLease({
    id: 'fd-lease-revoke-foreign',
    title: "The victim's lease, revoked by the id that is in a log",
    path: '/v1/leases/revoke',
  }),
  foreignLease({
    id: 'fd-lease-renew-foreign',
    title: "The victim's lease, renewed by the id that is in a log",
    path: '/v1/leases/renew',
  }),
  workloadsLease({
    id: 'fd-lease-revoke-other-workload',
    title: "A lease of the victim's that another workload of the same service holds, revoked",
    path: '/v1/leases/revoke',
  }),
  workloadsLease({
    id: 'fd-lease-renew-other-workload',
    title: "A lease of the victim's that another workload of the same service holds, renewed",
    path: '/v1/leases/renew',
  }),
  vendingAttack(
    {
      id: 'fd-lease-scope-widened',
      title: 'To write with a context that only reads',
      kind: 'write',
      references: ['JW-12'],
    },
    async ({ ground, attacker }) => {
      const subject_token = await contextFor(ground, attacker, { scopes: ['read'] })
      return ['write', 'read write', 'admin', '*', 'WRITE'].map((scope) => ({
        fields: { subject_token, scope },
      }))
    },
  ),
  vendingAttack(
    {
      id: 'fd-lease-scope-of-workload',
      title: 'To write with a workload that may only read',
      kind: 'write',
      references: ['JW-12'],
    },
    async ({ ground, attacker }) => [
      {
        fields: {
          subject_token: await contextFor(ground, attacker),
          client_assertion: assertionOf(ground.workloads.report),
          scope: 'write',
        },
      },
    ],
  ),
  attack(
    {
      id: 'fd-lease-suspended',
      title: 'A context from before the suspension, exchanged after it',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { granted, status } = await afterSuspension(duel)
        return { crossed: granted, met: `after the suspension: ${status}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-lease-outlives-suspension',
      title: 'A lease from before the suspension, used after it',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { live } = await afterSuspension(duel)
        return { crossed: live > 0, met: `${live} leases of the suspended tenant live on` }
      },
    },
  ),
  attack(
    {
      id: 'fd-lease-paused-write',
      title: 'A lease to write while a move has paused writes',
      kind: 'write',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { attacker, ground, house, wire } = duel
        const settings = withTenant(house.settings, attacker, { status: 'paused' })
        const door = await duel.branch({ settings })
        const subject_token = await contextFor(ground, attacker)
        const read = await vend(wire, door, { fields: { subject_token, scope: 'read' } })
        must(read.granted, 'read during the pause')
        const write = await vend(wire, door, { fields: { subject_token, scope: 'write' } })
        return { crossed: write.granted, met: `a lease to write: ${write.heard.status}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-lease-too-long',
      title: 'A lease that lives longer than the plan allows',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt({ ground, attacker, wire, door }) {
        const subject_token = await contextFor(ground, attacker)
        const fields = { subject_token, lease_seconds: '3600' }
        const { seconds, heard } = await vend(wire, door, { fields })
        return { crossed: seconds > LEASE_SECONDS_MAX, met: `${heard.status}, ${seconds} s` }
      },
    },
  ),
  attack(
    {
      id: 'fd-lease-outlives-job',
      title: 'A lease that lives longer than the job that it stands on',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { ground, attacker, wire } = duel
        const door = await duel.branch({})
        const subject_token = await contextFor(ground, attacker, { kind: 'job', seconds: 30 })
        const { seconds, heard } = await vend(wire, door, { fields: { subject_token } })
        must(heard.status === 200, 'exchange a job context')
        return { crossed: seconds > 30, met: `${seconds} s for a job of 30 s` }
      },
    },
  ),
]

/** Asks for something to be done with a lease of the victim's, in the name of the attacker's tenant. */
function foreignLease(facts: {
  readonly id: string
  readonly title: string
  readonly path: string
}): FrontDoorAttack {
  const { id, title, path } = facts
  return staged({ id, title, kind: 'write', references: ['HT-10', 'JW-8'] }, async (duel) => {
    const { leaseId } = await ownerLeases(duel)
    return {
      owner: 'the owner has a lease, and works with it',
      async attempt() {
        const subject_token = await contextFor(duel.ground, duel.attacker)
        const fields = { subject_token, lease_id: leaseId, grant_type: undefined }
        const { granted, heard } = await vend(duel.wire, duel.door, { path, fields })
        // The lease itself is looked at too: whether it still lives, and what became of it.
        return { crossed: granted, met: `${heard.status}` }
      },
    }
  })
}

/** As `foreignLease`, in the name of the victim's tenant, by a workload that does not hold it. */
function workloadsLease(facts: {
  readonly id: string
  readonly title: string
  readonly path: string
}): FrontDoorAttack {
  const { id, title, path } = facts
  return staged({ id, title, kind: 'write', references: ['HT-10'] }, async (duel) => {
    const { ground, victim } = duel
    const { leaseId } = await ownerLeases(duel)
    return {
      owner: 'a workload of the owner has a lease, and works with it',
      async attempt() {
        const fields = {
          subject_token: await contextFor(ground, victim),
          client_assertion: assertionOf(ground.workloads.report),
          lease_id: leaseId,
          grant_type: undefined,
        }
        const { granted, heard } = await vend(duel.wire, duel.door, { path, fields })
        return { crossed: granted, met: `${heard.status}` }
      },
    }
  })
}

/** What a tenant that is suspended while it works still has and gets. */
async function afterSuspension(duel: Duel) {
  const { ground, attacker, wire } = duel
  const door = await duel.branch({})
  const subject_token = await contextFor(ground, attacker)
  const before = await vend(wire, door, { fields: { subject_token, lease_seconds: '77' } })
  must(before.granted, 'get a lease before')
  const suspended = tenantOf(attacker, { status: 'suspended' })
  await door.sees(() => door.feed.publish({ tenants: [suspended] }))
  await door.settled()
  const { granted, heard } = await vend(wire, door, { fields: { subject_token } })
  const live = door.ledger.live(attacker.tenant).length
  return { granted, status: heard.status, live }
}
