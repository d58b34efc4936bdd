import { z } from 'zod'
import { type PublicJwk, SIGNING_ALGORITHMS } from './signing-key.ts'

const shape = z.looseObject({
  kty: z.enum(['EC', 'OKP']),
  kid: z.string().min(1).max(200),
  alg: z.enum(SIGNING_ALGORITHMS),
  d: z.undefined().optional(),
})

/** A public key; a private one is refused, wherever it comes from. */
export const publicJwkSchema: z.ZodType<PublicJwk, PublicJwk> = z.custom<PublicJwk>(
  (value) => shape.safeParse(value).success,
  'a key is a public JWK with kid and alg ES256 or EdDSA',
)
