import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { AccountChange } from '../directory/directory.ts'
import type { FederatedAccounts } from './accounts/federated-accounts.ts'
import type { Connection } from './connection/connection.ts'
import { EXTERNAL_SUBJECT_CHARACTERS_MAX, type ExternalUser } from './external-user.ts'
import { amrOf } from './oidc/oidc-flow.ts'
import { FederationRefusal, type RefusalReason } from './refusal.ts'
import { readAssertion } from './saml/assertion.ts'
import { externalUser } from './saml/saml-flow.ts'
import { everyElement, parseXml } from './saml/xml.ts'

const SAMPLE_CHARACTERS_MAX = 256 * 1024

/** Claims of an ID token, or an assertion as XML. Nothing of it is verified or kept. */
export const sampleSchema = z.union([
  z.strictObject({
    claims: z.looseObject({ sub: z.string().min(1).max(EXTERNAL_SUBJECT_CHARACTERS_MAX) }),
  }),
  z.strictObject({ assertion: z.string().max(SAMPLE_CHARACTERS_MAX) }),
])
export type Sample = z.input<typeof sampleSchema>

/** What a sample would become. */
export interface DryRun {
  readonly result: 'signed in' | 'linked' | 'created' | 'refused'
  /** Why it would be refused. */
  readonly reason?: RefusalReason
  readonly detail?: string
  /** The user that it would be, when there is one already. */
  readonly subject?: Subject
  readonly externalSubject?: string
  /** What would be set. */
  readonly change: AccountChange
  readonly emailTrusted: boolean
  readonly roles: readonly string[] | undefined
  /** Values that would be left out, and why. */
  readonly problems: readonly string[]
  /** What came and would not be kept. */
  readonly ignored: readonly string[]
}

/**
 * Says what a sample would become, and changes nothing. Signature, audience and times are not looked at.
 * @throws RingfenceError `invalid_argument` for a sample of the other kind
 */
export async function dryRun(
  accounts: FederatedAccounts,
  connection: Connection,
  sample: z.output<typeof sampleSchema>,
): Promise<DryRun> {
  let external: ExternalUser
  try {
    external = sampled(connection, sample)
  } catch (error) {
    if (!(error instanceof FederationRefusal)) throw error
    const nothing = { change: {}, emailTrusted: false, roles: undefined, problems: [], ignored: [] }
    const { reason, detail } = error
    return { result: 'refused', reason, ...(detail === undefined ? {} : { detail }), ...nothing }
  }
  const { mapping, emailTrusted, change, step } = await accounts.plan(connection, external)
  const results = {
    known: 'signed in',
    link: 'linked',
    create: 'created',
    refuse: 'refused',
  } as const
  return {
    result: results[step.kind],
    ...(step.kind === 'refuse' ? { reason: step.reason } : {}),
    ...('account' in step ? { subject: step.account.subject } : {}),
    externalSubject: external.subject,
    change,
    emailTrusted,
    roles: mapping.user.roles,
    problems: mapping.problems,
    ignored: mapping.ignored,
  }
}

function sampled(connection: Connection, sample: z.output<typeof sampleSchema>): ExternalUser {
  if ('claims' in sample && connection.kind === 'oidc') {
    const { claims } = sample
    const amr = amrOf(claims['amr'])
    return { source: connection.config.issuer, subject: claims.sub, claims, amr }
  }
  if ('assertion' in sample && connection.kind === 'saml') {
    const found = [...everyElement(parsedSample(sample.assertion))].find(
      ({ name }) => name === 'Assertion',
    )
    if (found === undefined) throw new FederationRefusal('response_malformed', 'no assertion')
    return externalUser(readAssertion(found), connection.config)
  }
  throw new RingfenceError('invalid_argument', 'the sample is for a connection of another kind')
}

function parsedSample(text: string) {
  try {
    return parseXml(text)
  } catch (error) {
    throw new FederationRefusal('response_malformed', messageOf(error), error)
  }
}
