import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { RingfenceError } from '../core/errors.ts'
import { checkSpace, placeOf } from './cluster-place.ts'
import type { ClusterProfile } from './cluster-profile.ts'
import {
  checkDataDirectory,
  makeDataDirectory,
  newPassword,
  removePartial,
} from './data-directory.ts'
import { lockDirectory } from './directory-lock.ts'
import { stopLeftovers } from './leftover-processes.ts'
import type { ServerBinaries } from './server-binaries.ts'
import { type ServerUser, giveTree, newServerUser, ownerOf } from './server-user.ts'
import { readState, writeState } from './state-file.ts'

export interface DataRequest {
  readonly name: string
  readonly profile: ClusterProfile
  /** The cluster's state directory, which the caller has locked. */
  readonly state: string
  /** Where `data` is or is to be: `placeOf`. */
  readonly place: string
  readonly binaries: ServerBinaries
  readonly seed: string | undefined
  readonly durable: boolean
}

/** Makes the data where there is none, and returns whom the server runs as and the password. */
export async function prepareData(
  request: DataRequest,
): Promise<{ readonly user: ServerUser; readonly password: string }> {
  const { name, state, place, binaries, seed } = request
  const data = join(place, 'data')
  const passwordFile = join(state, 'admin-password')
  await removePartial(place)
  if (await checkDataDirectory(name, data, binaries)) {
    const user = (await ownerOf(data)) ?? (await adopt(data))
    const password = await readState(passwordFile)
    if (password !== undefined) return { user, password }
    throw new RingfenceError(
      'cluster_damaged',
      `the superuser's password of cluster ${name} is gone: restore ${passwordFile}`,
    )
  }
  await checkSpace(name, place)
  const user = await newServerUser()
  const password = newPassword()
  await writeState(passwordFile, password)
  const make = { ...request, user, password }
  if (seed === undefined) await makeDataDirectory({ ...make, seedData: undefined })
  else await fromSeed(name, seed, binaries, (seedData) => makeDataDirectory({ ...make, seedData }))
  return { user, password }
}

/** A data directory that root owns (restored by root, say) gets a server's user. */
async function adopt(data: string): Promise<ServerUser> {
  const user = await newServerUser()
  await giveTree(data, user)
  return user
}

async function fromSeed(
  name: string,
  seed: string,
  binaries: ServerBinaries,
  copy: (seedData: string) => Promise<void>,
): Promise<void> {
  const state = await realpath(seed).catch(() => {
    throw new RingfenceError('invalid_argument', `the seed ${seed} does not exist`)
  })
  const lock = lockDirectory(`of the seed ${seed}`, state, 'shared')
  try {
    const data = join(await placeOf(name, state), 'data')
    await stopLeftovers(name, data)
    if (!(await checkDataDirectory(name, data, binaries))) {
      throw new RingfenceError('invalid_argument', `the seed ${seed} has no data`)
    }
    await copy(data)
  } finally {
    lock.release()
  }
}
