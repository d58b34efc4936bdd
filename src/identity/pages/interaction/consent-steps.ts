import { errors } from 'oidc-provider'
import { RingfenceError } from '../../../core/errors.ts'
import { parseSubject } from '../../../core/names.ts'
import { nameOf } from '../provider-pages.ts'
import { consentPage } from '../views/consent.ts'
import type { PageForm } from '../guard/page-form.ts'
import type { Interaction } from './interaction.ts'
import { show } from './sign-in-steps.ts'

/** What the client asks for and has not been given, as the provider says. */
interface Missing {
  readonly missingOIDCScope?: readonly string[]
  readonly missingOIDCClaims?: readonly string[]
  readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>
}

export async function askConsent(interaction: Interaction): Promise<void> {
  const { visit, details, base } = interaction
  const client = await clientOf(interaction)
  const subject = subjectOf(interaction)
  const account = await visit.options.directory.account(visit.context.tenant, subject)
  const page = consentPage({
    action: `${base}/consent`,
    csrf: interaction.csrf(),
    client: nameOf(client),
    destination: destinationOf(details.params['redirect_uri']),
    realm: visit.look.name,
    who: account?.displayName ?? account?.userName ?? account?.email ?? subject,
    scopes: asked(interaction),
    policyUri: secure(client.policyUri),
    termsUri: secure(client.tosUri),
  })
  show(interaction, page)
}

/** Only the button that says so is a yes. */
export async function answerConsent(interaction: Interaction, form: PageForm): Promise<void> {
  const allowed = form.get('answer') === 'allow'
  const { provider } = interaction.visit.context
  const { request, response } = interaction.visit
  if (!allowed) {
    const { error, error_description } = new errors.AccessDenied('the user did not allow it')
    const refusal = { error, error_description }
    return provider.interactionFinished(request, response, refusal, {
      mergeWithLastSubmission: false,
    })
  }
  const consent = { grantId: await grant(interaction) }
  return provider.interactionFinished(request, response, { consent })
}

/** Grants exactly what the provider found missing: what the form says is not asked. */
async function grant(interaction: Interaction): Promise<string> {
  const { details, visit } = interaction
  const { Grant } = visit.context.provider
  const [accountId, clientId] = [subjectOf(interaction), (await clientOf(interaction)).clientId]
  const before = details.grantId === undefined ? undefined : await Grant.find(details.grantId)
  const given = before ?? new Grant({ accountId, clientId })
  if (given.accountId !== accountId || given.clientId !== clientId) {
    throw new RingfenceError('internal', 'a grant of another user or client')
  }
  const missing = details.prompt.details as Missing
  if (missing.missingOIDCScope) given.addOIDCScope([...missing.missingOIDCScope])
  if (missing.missingOIDCClaims) given.addOIDCClaims([...missing.missingOIDCClaims])
  for (const [resource, scopes] of Object.entries(missing.missingResourceScopes ?? {})) {
    given.addResourceScope(resource, [...scopes])
  }
  return given.save()
}

/** What is new; when nothing is, and the user is asked all the same, what the client wants again. */
function asked({ details }: Interaction): readonly string[] {
  const missing = details.prompt.details as Missing
  const all = new Set([
    ...(missing.missingOIDCScope ?? []),
    ...Object.values(missing.missingResourceScopes ?? {}).flat(),
  ])
  if (all.size > 0) return [...all]
  const { scope } = details.params
  return typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : []
}

async function clientOf({ details, visit }: Interaction) {
  const client = await visit.context.provider.Client.find(String(details.params['client_id']))
  if (client === undefined) throw new RingfenceError('not_found', 'the application is gone')
  return client
}

function subjectOf({ details }: Interaction) {
  return parseSubject(details.session?.accountId)
}

/** The host; of an app on a telephone its scheme; of a device nothing. */
function destinationOf(uri: unknown): string | undefined {
  if (typeof uri !== 'string' || !URL.canParse(uri)) return undefined
  const { host, protocol } = new URL(uri)
  return host === '' ? protocol.slice(0, -1) : host
}

function secure(uri: string | undefined): string | undefined {
  return uri !== undefined && URL.canParse(uri) && new URL(uri).protocol === 'https:'
    ? uri
    : undefined
}
