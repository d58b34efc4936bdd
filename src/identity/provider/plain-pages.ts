import type { KoaContextWithOIDC } from 'oidc-provider'
import type { ProviderForm, ProviderPages, RealmContext } from './realm-context.ts'

/** Pages without a look, for a realm process that has no others: what the forms need, and no more. */
export const plainPages: ProviderPages = {
  async signOut(context, ctx, form) {
    page(context, ctx, 'Sign out?', form, '<button name="logout" value="yes">Sign out</button>')
  },
  async signedOut(context, ctx) {
    page(context, ctx, 'You are signed out.')
  },
  async deviceCode(context, ctx, form, again) {
    const label = again === undefined ? 'Code on your device' : 'That code is not good. Try again'
    const field = `<label>${label} <input name="user_code" autocomplete="off"></label>`
    page(context, ctx, 'Connect a device', form, `${field}<button>Continue</button>`)
  },
  async deviceConfirm(context, ctx, form, client, userCode) {
    const title = `Does your device show ${userCode} for ${client.clientName ?? client.clientId}?`
    const buttons = '<button>Yes</button><button name="abort" value="yes">No</button>'
    page(context, ctx, title, form, buttons)
  },
  async deviceDone(context, ctx) {
    page(context, ctx, 'Your device is connected.')
  },
  async refused(context, ctx, { error }) {
    page(context, ctx, `This did not work: ${error}`)
  },
}

function page(
  context: RealmContext,
  ctx: KoaContextWithOIDC,
  title: string,
  form?: ProviderForm,
  controls = '',
): void {
  ctx.type = 'text/html; charset=utf-8'
  ctx.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
  const hidden = Object.entries(form?.hidden ?? {}).map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  )
  const body =
    form === undefined
      ? ''
      : `<form method="post" action="${escaped(form.action)}">${hidden.join('')}${controls}</form>`
  ctx.body = `<!doctype html><html lang="en"><title>${escaped(title)}</title>
<h1>${escaped(context.displayName)}</h1><p>${escaped(title)}</p>${body}</html>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
