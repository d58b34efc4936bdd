import { join } from 'node:path'
import { writeState } from '../clusters/state-file.ts'
import type { PlatformWorkload } from './platform-manifest.ts'
import type { Secrets } from './secrets.ts'
import {
  CONTROL_AUDIENCE,
  DECISIONS_AUDIENCE,
  RECORDS_AUDIENCE,
  VENDING_AUDIENCE,
} from './write-planes.ts'

/** Public keys that services verify contexts with, in the state directory. */
export const CONTEXT_KEYS_FILE = 'context-keys.json'

/** Writes the keys that sign contexts: the gateway's for requests, the control plane's for jobs. */
export async function writeContextKeys(path: string, secrets: Secrets): Promise<void> {
  const request = [(await secrets.key('context', 'ES256')).publicJwk]
  const job = [(await secrets.key('job', 'ES256')).publicJwk]
  await writeState(path, JSON.stringify({ request, job }, null, 2))
}

export interface WorkloadPlace {
  readonly workload: PlatformWorkload
  readonly stateDirectory: string
  /** Addresses as the SDK takes them. */
  readonly vending: string
  readonly control: string
  readonly decisions: string
  /** Where usage is taken, and the name of the directory in which it waits for that. */
  readonly usage: string
  readonly spool: string
  readonly secrets: Secrets
}

/** What the SDK reads: who the workload is, and where vending and the control plane are. */
export async function workloadEnvironment({
  workload: { client, service },
  stateDirectory,
  vending,
  control,
  decisions,
  usage,
  spool,
  secrets,
}: WorkloadPlace): Promise<Readonly<Record<string, string>>> {
  const key = `workload-${client}`
  await secrets.key(key, 'ES256')
  return {
    RINGFENCE_SERVICE: service,
    RINGFENCE_CLIENT_ID: client,
    RINGFENCE_CLIENT_KEY: secrets.path(`${key}.jwk`),
    RINGFENCE_CONTEXT_KEYS: join(stateDirectory, CONTEXT_KEYS_FILE),
    RINGFENCE_VENDING: vending,
    RINGFENCE_VENDING_AUDIENCE: VENDING_AUDIENCE,
    RINGFENCE_DECISIONS: decisions,
    RINGFENCE_DECISIONS_AUDIENCE: DECISIONS_AUDIENCE,
    RINGFENCE_USAGE: usage,
    RINGFENCE_USAGE_AUDIENCE: RECORDS_AUDIENCE,
    RINGFENCE_USAGE_SPOOL: join(stateDirectory, 'usage', spool),
    RINGFENCE_CONTROL: control,
    RINGFENCE_CONTROL_AUDIENCE: CONTROL_AUDIENCE,
  }
}
