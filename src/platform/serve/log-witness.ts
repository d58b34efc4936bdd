import { RingfenceError } from '../../core/errors.ts'
import type { WitnessOptions } from '../../records/log/witness-service.ts'
import { cosigner, SEED_BYTES } from '../../transparency/note-signer.ts'
import { parseVerifierKey, type VerifierKey } from '../../transparency/verifier-key.ts'
import type { WitnessSpec } from '../audit-witnesses-spec.ts'
import { readSecret } from './served.ts'

/**
 * Whose checkpoints are cosigned here, and with what key.
 * @throws RingfenceError `invalid_manifest` for a key's file that holds none
 */
export async function witnessOf({ name, logs, keyFile }: WitnessSpec): Promise<WitnessOptions> {
  const seed = Buffer.from((await readSecret(keyFile)).trim(), 'base64url')
  if (seed.length !== SEED_BYTES) {
    throw new RingfenceError('invalid_manifest', `${keyFile} does not hold 256 bits in base64url`)
  }
  const byOrigin = new Map<string, VerifierKey[]>()
  for (const text of logs) {
    const key = parseVerifierKey(text)
    byOrigin.set(key.name, [...(byOrigin.get(key.name) ?? []), key])
  }
  return { signer: cosigner(name, seed, () => Date.now() / 1_000), logs: byOrigin }
}
