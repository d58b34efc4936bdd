import assert from 'node:assert/strict'
import { freshTenant, type Obligation, refused, uniqueText, visiting } from './trial.ts'

export const SMOKE_OBLIGATIONS: readonly Obligation[] = [
  {
    title: 'a live place holds against its smoke attack, which leaves neither data nor leases',
    async check(trial) {
      const { boundary, beta } = trial
      const tenant = freshTenant(trial.tier)
      await boundary.provision(tenant)
      const [own, foreign] = [uniqueText('own'), uniqueText('foreign')]
      await visiting(trial, tenant.id, (session) => session.write(own))
      await visiting(trial, beta, (session) => session.write(foreign))
      const checks = await boundary.smoke(tenant.id)
      assert.deepEqual(
        checks.filter((check) => !check.held),
        [],
      )
      assert.ok(checks.length > 1, 'too little was tried')
      assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length, 'an id is there twice')
      assert.ok(checks.every(({ outcome }) => !outcome.includes(foreign)))
      const live = (await boundary.leases(tenant.id)).filter((one) => one.ended_at === undefined)
      assert.deepEqual(live, [])
      assert.deepEqual(await visiting(trial, tenant.id, (session) => session.read()), [own])
      await boundary.erase(tenant.id)
    },
  },
  {
    title: 'a tenant that never was has no place to attack',
    async check({ boundary, tier }) {
      await refused(boundary.smoke(freshTenant(tier).id), 'tenant_unknown')
    },
  },
]
