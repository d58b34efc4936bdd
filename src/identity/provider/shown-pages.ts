import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import type { ProviderForm, ProviderPages, RealmContext } from './realm-context.ts'

type Features = NonNullable<Configuration['features']>
type DeviceFlow = NonNullable<Features['deviceFlow']>

/** The provider's hooks for what its endpoints show, filled with the realm's pages. */
export function shownPages(pages: ProviderPages, contextOf: () => RealmContext) {
  const refused: NonNullable<Configuration['renderError']> = (ctx, out, error) =>
    pages.refused(contextOf(), ctx, out, error)
  const rpInitiatedLogout: Features['rpInitiatedLogout'] = {
    enabled: true,
    logoutSource: (ctx) => pages.signOut(contextOf(), ctx, formOf(ctx, 'end_session_confirm')),
    postLogoutSuccessSource: (ctx) => pages.signedOut(contextOf(), ctx),
  }
  const deviceFlow: DeviceFlow = {
    enabled: true,
    charset: 'base-20',
    mask: '****-****',
    // What the device says of itself proves nothing, and is not kept.
    deviceInfo: () => ({}),
    userCodeInputSource: (ctx, _form, out, error) => {
      const form = formOf(ctx, 'code_verification')
      const code = error !== undefined && 'userCode' in error ? error.userCode : undefined
      const typed = typeof code === 'string' ? code : ''
      return out === undefined
        ? pages.deviceCode(contextOf(), ctx, form)
        : pages.deviceCode(contextOf(), ctx, form, { typed, refusal: out })
    },
    userCodeConfirmSource: (ctx, _form, client, _device, userCode) => {
      const { action, hidden } = formOf(ctx, 'code_verification')
      const fields = { ...hidden, user_code: userCode, confirm: 'yes' }
      return pages.deviceConfirm(contextOf(), ctx, { action, hidden: fields }, client, userCode)
    },
    successSource: (ctx) => pages.deviceDone(contextOf(), ctx),
  }
  return { refused, rpInitiatedLogout, deviceFlow }
}

/** The provider's own markup is left out: its fields have no labels, and scripts in attributes. */
function formOf(ctx: KoaContextWithOIDC, route: string): ProviderForm {
  const secret = ctx.oidc.session?.state?.['secret']
  return {
    action: ctx.oidc.urlFor(route),
    hidden: { xsrf: typeof secret === 'string' ? secret : '' },
  }
}
