import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { COSIGNATURE, ED25519, parseVerifierKey } from '../transparency/verifier-key.ts'
import { listen } from './spec-parts.ts'

/** Who cosigns checkpoints of all our logs. Each sees the logs' names, and with them tenants' ids. */
export const auditWitnessesSchema = z
  .array(
    z.strictObject({
      /** Its submission prefix: `https://witness.example/ringfence`. */
      url: z.url({ protocol: /^https?$/ }),
      /** Its public key: `witness.example/w1+1a2b3c4d+BX…`. */
      key: keyOf(COSIGNATURE, "a witness's key is name+id+key of a cosignature key"),
    }),
  )
  .refine((witnesses) => new Set(witnesses.map(({ key }) => key)).size === witnesses.length, {
    error: 'a witness is there twice',
  })
  .default([])

/** Where checkpoints are kept besides: directories of another machine's disk, or of one that is written once. */
export const auditAnchorsSchema = z
  .array(z.strictObject({ directory: z.string().min(1) }))
  .default([])

const cosigns = {
  /** What the witness is called, in its public key: `witness.example/w1`. */
  name: z
    .string()
    .max(200)
    .regex(/^[^\s\p{Cc}+]+$/u, 'has no spaces and no plus sign'),
  /** Public keys of the logs that are cosigned: `audit.example/platform+1a2b3c4d+AX…`. */
  logs: z.array(keyOf(ED25519, "a log's key is name+id+key")).min(1),
}

/** We as a witness of others' logs. Under `ringfence up` its key is made in the state directory. */
export const platformWitnessSchema = z.strictObject({
  ...cosigns,
  listen: z.strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: z.int().min(1).max(65_535),
  }),
})

export const witnessSpec = z.strictObject({
  ...cosigns,
  /** Reached by those whose logs are cosigned. */
  listen,
  /** Holds 256 bits in base64url, and signs nothing else. */
  keyFile: z.string().min(1),
})
export type WitnessSpec = z.output<typeof witnessSpec>

/** The text of a public key, which says of what kind it is. */
function keyOf(type: number, why: string) {
  return parsed((value: unknown): string => {
    const key = parseVerifierKey(String(value))
    if (key.type !== type) throw new TypeError(why)
    return key.text
  })
}
