import { join } from 'node:path'
import { RingfenceError, messageOf } from '../core/errors.ts'
import type { Cluster } from './cluster.ts'
import { placeOf, stateDirectory } from './cluster-place.ts'
import {
  type ClusterProfile,
  type Settings,
  accessFile,
  checkOverrides,
  configurationFile,
  profileSettings,
} from './cluster-profile.ts'
import { SUPERUSER } from './data-directory.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { stopLeftovers } from './leftover-processes.ts'
import { type Exit, startPostmaster } from './postmaster.ts'
import { prepareData } from './prepare-data.ts'
import { usableBinaries } from './server-binaries.ts'
import { clusterFailure } from './server-failure.ts'
import { type ServerLog, openServerLog } from './server-log.ts'
import { openSocketDirectory } from './socket-directory.ts'
import { writeState } from './state-file.ts'

export type { ClusterProfile } from './cluster-profile.ts'

export interface EmbeddedOptions {
  /** For messages. */
  readonly name: string
  /** The cluster's state directory, made where it is missing. */
  readonly directory: string
  readonly profile: ClusterProfile
  /** postgresql.conf settings that win over the profile's. `listen_addresses` may be 127.0.0.1. */
  readonly settings?: Settings
  /** The state directory of a stopped cluster to copy, instead of running initdb. */
  readonly seed?: string
  /** Gets each line of the server's log, which also goes to `server.log` in the directory. */
  readonly log?: (line: string) => void
  /** 1 to 65535, default 5432. Without TCP it is only a part of the socket's name. */
  readonly port?: number
  /** A folder of PostgreSQL programs, 14 to 18. Default: those that came with npm. */
  readonly binaries?: string
}

export interface EmbeddedCluster extends Cluster {
  readonly pid: number
  /** Resolves when the server has ended, whoever ended it, and the directory is free again. */
  readonly exited: Promise<Exit>
}

/**
 * Starts the PostgreSQL server of a state directory, and makes its data first where there is none.
 * A server that outlived a killed process is stopped and started anew; data that such a process was
 * making is made anew. As root the server runs as an unprivileged user of its own.
 * @throws RingfenceError `cluster_locked`, `cluster_damaged`, `disk_full`, `not_writable`,
 *   `port_taken`, `engine_unsupported`, `engine_unavailable`, `invalid_argument`, `timed_out`
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedCluster> {
  const port = options.port ?? 5432
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RingfenceError('invalid_argument', 'a port is a number from 1 to 65535')
  }
  checkOverrides(options.settings ?? {})
  try {
    const state = await stateDirectory(options.directory)
    const lock = lockDirectory(options.name, state, 'exclusive')
    try {
      return await startLocked(options, port, state, lock)
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    throw clusterFailure(options.name, options.directory, port, error)
  }
}

async function startLocked(
  options: EmbeddedOptions,
  port: number,
  state: string,
  lock: DirectoryLock,
): Promise<EmbeddedCluster> {
  const log = openServerLog(join(state, 'server.log'), options.log)
  try {
    const place = await placeOf(options.name, state)
    const data = join(place, 'data')
    const binaries = await usableBinaries(options.binaries, join(place, 'runtime'))
    const leftovers = await stopLeftovers(options.name, data)
    if (leftovers > 0) log.write('stopped the server that an earlier process had left')
    const { user, password } = await prepareData({
      name: options.name,
      profile: options.profile,
      seed: options.seed,
      durable: options.settings?.['fsync'] !== 'off',
      state,
      place,
      binaries,
    })
    const socket = await openSocketDirectory(state, place, user)
    const settings = profileSettings(options.profile, binaries.version, options.settings ?? {})
    const where = { port: String(port), unix_socket_directories: socket.path }
    await writeState(join(data, 'pg_hba.conf'), accessFile(settings), user)
    await writeState(
      join(data, 'postgresql.conf'),
      configurationFile({ ...settings, ...where }),
      user,
    )
    const postmaster = await startPostmaster(options.name, data, binaries, user, log)
    const exited = postmaster.exited.then(async (exit) => {
      await socket.remove()
      log.close()
      lock.release()
      return exit
    })
    return {
      name: options.name,
      admin: { host: socket.path, port, user: SUPERUSER, password, database: 'postgres' },
      serverVersion: binaries.version,
      directory: state,
      embedded: true,
      pid: postmaster.pid,
      exited,
      async stop() {
        await postmaster.stop()
        await exited
      },
    }
  } catch (error) {
    report(log, error)
    throw error
  }
}

function report(log: ServerLog, error: unknown): void {
  log.write(`did not start: ${messageOf(error)}`)
  log.close()
}
