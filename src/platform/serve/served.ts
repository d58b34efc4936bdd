import type { ConnectionSettings } from '../../clusters/cluster.ts'
import { readState } from '../../clusters/state-file.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { PlaneSpec } from '../plane-config.ts'

/** A plane that serves. */
export interface Served {
  readonly url: string
  /** What is said of it when it serves. Default `listening`. */
  readonly event?: string
  /** Begins anew, without an end in between, where that can be. */
  readonly reload?: () => void
  /** Takes nothing new, finishes what is under way, and lets go of everything. */
  close(): Promise<void>
}

/** Takes one line of a plane's log. No secret is in it. */
export type Log = (line: string) => void

type DatabaseSpec = PlaneSpec<'gateway'>['database']

/** How a plane logs in to the control database, as its own role. @throws RingfenceError `invalid_manifest` */
export async function databaseSettings(spec: DatabaseSpec): Promise<ConnectionSettings> {
  const { passwordFile, ...settings } = spec
  return { ...settings, password: await readSecret(passwordFile) }
}

/** The text of a secret's file. @throws RingfenceError `invalid_manifest` when there is none */
export async function readSecret(path: string): Promise<string> {
  const text = await readState(path)
  if (text === undefined || text === '') {
    throw new RingfenceError('invalid_manifest', `${path} holds no secret`)
  }
  return text
}
