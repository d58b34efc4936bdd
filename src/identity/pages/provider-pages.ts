import type { Client, ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import type { ProviderPages, RealmContext } from '../provider/realm-context.ts'
import { formTarget, type PageNeeds, pageHeaders } from './guard/headers.ts'
import { layout, type Page } from './html/layout.ts'
import { looks } from './look/looks.ts'
import { deviceCodePage, deviceConfirmPage, deviceDonePage } from './views/device.ts'
import { errorPage, notFoundPage } from './views/error.ts'
import { signedOutPage, signOutPage } from './views/sign-out.ts'

/** What the provider's own endpoints show, in the look of the realm. */
export const providerPages: ProviderPages = {
  signOut(context, ctx, form) {
    const asking = ctx.oidc.client && nameOf(ctx.oidc.client)
    const ends = formTarget(ctx.oidc.session?.state?.['postLogoutRedirectUri']?.toString())
    const page = signOutPage(form, looks(context).name, asking)
    return show(context, ctx, page, ends === undefined ? {} : { formTargets: [ends] })
  },
  signedOut: (context, ctx) => show(context, ctx, signedOutPage()),
  deviceCode(context, ctx, form, again) {
    const error = again && whatIsWrongWithTheCode(again.refusal)
    return show(context, ctx, deviceCodePage(form, again?.typed, error))
  },
  deviceConfirm: (context, ctx, form, client, userCode) =>
    show(context, ctx, deviceConfirmPage(form, nameOf(client), userCode)),
  deviceDone: (context, ctx) => show(context, ctx, deviceDonePage()),
  refused: (context, ctx, refusal) => show(context, ctx, refusalPage(refusal, ctx.status)),
}

/** What a person calls the client: its name, or else its id. */
export function nameOf(client: Client): string {
  return client.clientName ?? client.clientId
}

function show(
  context: RealmContext,
  ctx: KoaContextWithOIDC,
  page: Page,
  needs: PageNeeds = {},
): Promise<void> {
  const { 'content-type': type = '', ...headers } = pageHeaders(needs)
  ctx.set(headers)
  ctx.type = type
  ctx.body = layout(page, looks(context)).toString()
  return Promise.resolve()
}

/** The same words for a code that never was, was used, or is over. */
function whatIsWrongWithTheCode({ error }: ErrorOut): string {
  return error === 'access_denied'
    ? 'You have stopped this device. To connect one, start again on it.'
    : 'This code does not work, or does no more. Look at your device for a new one.'
}

/** The client's developers get the code and its words; whoever was only sent here, what to do. */
function refusalPage(refusal: ErrorOut, status: number): Page {
  if (status === 404) return notFoundPage()
  if (status >= 500) {
    return errorPage('Something went wrong', 'It is not your doing. Try again in a moment.')
  }
  return errorPage(
    'This cannot go on',
    refusal.error_description === undefined
      ? 'The application sent a request that we do not answer. Go back to it and begin again.'
      : `The application sent a request that we do not answer: ${refusal.error_description}. Go back to it and begin again.`,
    refusal.error,
  )
}
