import { RingfenceError } from '../../core/errors.ts'
import type { Step, Work } from './definition.ts'

/**
 * Attacks the tenant's live places with its own leases. Nothing becomes `active` without it.
 * @throws RingfenceError `check_failed`, naming the checks that did not hold
 */
export async function smokeEverywhere(work: Work): Promise<string> {
  const boundaries = await work.boundaries()
  let count = 0
  for (const boundary of boundaries) {
    const checks = await boundary.smoke(work.tenant.id)
    const broken = checks.filter((check) => !check.held)
    if (broken.length > 0 || checks.length === 0) {
      const names = broken.map(({ id, outcome }) => `${id} (${outcome})`).join(', ')
      throw new RingfenceError('check_failed', `did not hold: ${names || 'nothing was checked'}`)
    }
    count += checks.length
  }
  if (count === 0) throw new RingfenceError('check_failed', 'there is no boundary to check')
  return `${count} live checks held`
}

export const smokeStep: Step = {
  fresh: true,
  run: async (work) => ({ note: await smokeEverywhere(work) }),
}
