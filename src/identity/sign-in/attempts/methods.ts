import type { Acr } from '../sign-in.ts'

export const ONE_FACTOR: Acr = 'urn:ringfence:acr:1'
export const TWO_FACTORS: Acr = 'urn:ringfence:acr:2'

/** RFC 8176: more than one factor. What is not said of a sign-in is not so. */
const MULTIPLE = 'mfa'
export const PASSWORD = 'pwd'
export const ONE_TIME_CODE = 'otp'
const METHOD = /^[a-z0-9_]{1,20}$/
const METHODS_MAX = 10

/** How sure a sign-in by these methods is. */
export const acrOf = (amr: readonly string[]): Acr =>
  amr.includes(MULTIPLE) ? TWO_FACTORS : ONE_FACTOR

/** A passkey that verified its owner: possession, and what the owner knows or is. */
export const passkeyMethods = (synced: boolean): readonly string[] => [
  synced ? 'swk' : 'hwk',
  MULTIPLE,
  'user',
]

/** A factor after another one. */
export const withSecond = (amr: readonly string[], more: readonly string[]): readonly string[] =>
  sorted([...amr, ...more, MULTIPLE])

/** What an identity provider said, without what cannot be a method. */
export const methodsOf = (amr: readonly string[]): readonly string[] =>
  sorted(amr.filter((method) => METHOD.test(method)).slice(0, METHODS_MAX))

const sorted = (amr: readonly string[]) => [...new Set(amr)].sort()
