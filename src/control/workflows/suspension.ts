import { RingfenceError } from '../../core/errors.ts'
import { activateStep } from './onboard.ts'
import type { Definition, Step, Work } from './definition.ts'
import { smokeStep } from './smoke.ts'

/**
 * The registry and the snapshot were changed in the transaction that began the workflow: from then on
 * gateway and vending serve the tenant no more, whatever becomes of the rest.
 */
export const closeStep: Step = { run: async () => ({ note: 'no longer served' }) }

/** Ends every credential and session at the engines. */
export const revokeStep: Step = {
  run: async (work) => {
    let leases = 0
    let sessions = 0
    for (const boundary of await work.boundaries()) {
      const ended = await boundary.revoke(work.tenant.id)
      leases += ended.leases.length
      sessions += ended.sessionsEnded
    }
    return { note: `${leases} leases and ${sessions} sessions ended` }
  },
}

export const closeRealmStep: Step = {
  run: async (work) => {
    await closeRealm(work)
    return { note: 'its realm issues no tokens' }
  },
}

/** A tenant that never became whole may have no realm. */
async function closeRealm({ ports, tenant }: Work): Promise<void> {
  try {
    await ports.realms.setOpen(tenant.id, false)
  } catch (error) {
    const absent =
      error instanceof RingfenceError &&
      (error.code === 'not_found' || error.code === 'tenant_unknown')
    if (!absent || tenant.issuer !== null) throw error
  }
}

export const suspend: Definition = {
  kind: 'suspend',
  steps: { close: closeStep, revoke: revokeStep, realm: closeRealmStep },
}

/** Serves a suspended tenant again, after the live checks held once more. */
export const resume: Definition = {
  kind: 'resume',
  steps: { smoke: smokeStep, activate: activateStep },
}
