import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { parsed } from '../../../core/parsed.ts'
import { mappingSchema, OIDC_MAPPING, SAML_MAPPING } from '../mapping/mapping-spec.ts'

/** Signatures that a provider may use: of public keys only, and none with SHA-1. */
export const ID_TOKEN_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const

const CERTIFICATE_CHARACTERS_MAX = 16_384
const CERTIFICATES_MAX = 5
const RSA_BITS_MIN = 2_048

/** An exact issuer or entity id. It is compared character by character and never normalised. */
export const sourceSchema = z.string().regex(/^[\x21-\x7e]{1,1024}$/, 'a name without spaces')

/** Checked further when it is used: what a URL may be depends on the platform's options. */
const url = z.url({ protocol: /^https?$/ }).max(2_048)

const certificate = parsed((value): string => {
  const text = z.string().max(CERTIFICATE_CHARACTERS_MAX).parse(value)
  let read: X509Certificate
  try {
    read = new X509Certificate(text)
  } catch {
    throw new TypeError('not a certificate in PEM')
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = read.publicKey
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < RSA_BITS_MIN) {
    throw new TypeError(`not a certificate of an RSA key of ${RSA_BITS_MIN} bits or more`)
  }
  return read.toString()
})
const certificates = z.array(certificate).min(1).max(CERTIFICATES_MAX)

const common = {
  /**
   * What becomes of a person whom the realm does not know yet. `off`: refused. `link`: signed in as
   * the user with the same verified address. `create`: that, or a new user.
   */
  provisioning: z.enum(['off', 'link', 'create']).default('off'),
  /** Mapped fields are taken over at each sign-in, not only the first. */
  updateOnSignIn: z.boolean().default(true),
  /** Believe the provider about second factors. Off: a realm that demands one asks for its own. */
  trustFactors: z.boolean().default(false),
}

export const oidcConfigSchema = z.strictObject({
  ...common,
  issuer: sourceSchema,
  clientId: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  clientAuth: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])
    .default('client_secret_basic'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/))
    .max(20)
    .default(['openid', 'email', 'profile'])
    .refine((scopes) => scopes.includes('openid'), 'openid must be among the scopes'),
  algorithms: z.array(z.enum(ID_TOKEN_ALGORITHMS)).min(1).default(['RS256', 'ES256', 'EdDSA']),
  /** Demand `iss` in the answer (RFC 9207) also when the provider does not announce it. */
  requireIss: z.boolean().default(false),
  /** Ask the provider's UserInfo endpoint for claims that the ID token does not hold. */
  userInfo: z.boolean().default(false),
  mapping: mappingSchema.default(OIDC_MAPPING),
})

export const samlConfigSchema = z.strictObject({
  ...common,
  entityId: sourceSchema,
  /** Where requests go and whose signatures count: given here, or read from signed metadata. */
  trust: z.union([
    z.strictObject({ ssoUrl: url, certificates }),
    z.strictObject({ metadataUrl: url, signedBy: certificates }),
  ]),
  /** What names the person, for good. A transient NameID cannot. */
  subject: z
    .union([
      z.strictObject({ nameId: sourceSchema }),
      z.strictObject({ attribute: z.string().min(1).max(200) }),
    ])
    .default({ nameId: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' }),
  /** Demand a signature on the response as well; that on the assertion is always demanded. */
  requireSignedResponse: z.boolean().default(false),
  /**
   * Encrypted assertions: `off`, none is taken and no key for them is in our metadata, since providers
   * encrypt as soon as they see one; `accepted`; `required`, and no other is taken.
   */
  encryption: z.enum(['off', 'accepted', 'required']).default('off'),
  /** Seconds by which the provider's clock may differ. */
  clockSkewSeconds: z.int().min(0).max(300).default(60),
  /**
   * Responses that nobody asked for. Off: refused. With a start address: they sign nobody in, but
   * send the browser there, where an ordinary sign-in begins. RelayState is ignored.
   */
  idpInitiated: z.strictObject({ startUrl: url }).optional(),
  mapping: mappingSchema.default(SAML_MAPPING),
})

export type OidcConfig = z.output<typeof oidcConfigSchema>
export type SamlConfig = z.output<typeof samlConfigSchema>
