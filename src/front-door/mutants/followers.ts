import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SnapshotFollower } from '../../snapshot/snapshot-follower.ts'
import type { Follower } from '../house/pieces.ts'
import { CarelessFollower, type FollowerCarelessness } from './careless-follower.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

function follower(
  amiss: FollowerCarelessness,
  title: string,
  noticedBy: readonly string[],
): FrontDoorMutant {
  return mutant(`fd-follower-${amiss}`, title, noticedBy, () => ({
    follow: (options) => CarelessFollower.open(options, amiss),
  }))
}

/** Compares what there was with what there is, and has nothing to compare where one of them is missing. */
function tellingOfChanges(source: Follower): Follower {
  let known = new Set<string>()
  const listeners: Parameters<Follower['onChange']>[0][] = []
  source.onChange((changed, now) => {
    const there = new Set<string>([...now.tenants()].map(({ id }) => id))
    const both = changed.filter((id) => known.has(id) && there.has(id))
    known = there
    for (const listener of listeners) listener(both, now)
  })
  return {
    current: () => source.current(),
    onChange: (listener) => void listeners.push(listener),
    close: () => source.close(),
  }
}

/** The follower of the configuration with something amiss. */
export const FOLLOWER_MUTANTS: readonly FrontDoorMutant[] = [
  follower('signature', 'Records of the configuration believed whoever signed them', [
    'fd-config-forged',
    'fd-config-altered',
    'fd-config-other-key',
    'fd-config-other-type',
  ]),
  follower('chain', 'Records taken whether or not they follow the last one', [
    'fd-config-left-out',
    'fd-config-fork',
    'fd-config-put-back',
  ]),
  follower('rollback', 'The database followed back to an older configuration', [
    'fd-config-rolled-back',
  ]),
  follower('age', 'A configuration of any age served from', ['fd-config-stale']),
  follower('confirmation', 'Confirmations believed whoever signed them', [
    'fd-config-confirmed-falsely',
  ]),
  follower('type', "Anything that the platform's key has signed taken as a record", [
    'fd-config-other-type',
  ]),
  follower('parts', 'Parts of a base taken that are not those it names', ['fd-config-base-part']),
  mutant(
    'fd-follower-job-key',
    'Records believed that the key of jobs has signed, so that one key does for all',
    ['fd-config-other-key'],
    () => ({
      follow: ({ keys, ...options }, ground) =>
        SnapshotFollower.open({ ...options, keys: [...keys, ground.keys.job.publicJwk] }),
    }),
  ),
  mutant(
    'fd-follower-tells-of-changes',
    'Planes told of tenants that changed, and not of those that went and came',
    ['fd-realm-removed-tenant'],
    ({ follow }) => ({
      follow: async (options, ground) => tellingOfChanges(await follow(options, ground)),
    }),
  ),
  mutant(
    'fd-follower-standing-lost',
    'What protects from rollback lost at every start',
    ['fd-config-rolled-back-restart'],
    () => ({
      async follow(options) {
        rmSync(join(options.directory, 'standing.json'), { force: true })
        return SnapshotFollower.open(options)
      },
    }),
  ),
]
