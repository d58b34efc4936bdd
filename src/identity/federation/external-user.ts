import type { ExternalClaims } from './mapping/apply-mapping.ts'

/** Somebody as the provider names them, after everything about the answer was verified. */
export interface ExternalUser {
  /** The issuer or the entity id. */
  readonly source: string
  /** What names the person at the provider for good: `sub`, a persistent NameID, or an attribute. */
  readonly subject: string
  readonly claims: ExternalClaims
  /** How the provider says that they signed in: RFC 8176. Empty when it does not say. */
  readonly amr: readonly string[]
}

/** RFC 7519 allows `sub` 255 characters; persistent NameIDs have 256 at most. */
export const EXTERNAL_SUBJECT_CHARACTERS_MAX = 1_024
