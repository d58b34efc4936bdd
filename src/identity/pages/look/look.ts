import { passkeyScript } from './passkey-script.ts'
import { type Asset, asset } from './asset.ts'
import { accents } from './palette.ts'
import { stylesheet } from './stylesheet.ts'
import type { Theme } from './theme.ts'

const SCRIPT = Buffer.from(passkeyScript())

/** How a realm's pages look, and the files that they fetch for it: all from the realm's own origin. */
export interface Look {
  readonly name: string
  readonly stylesheet: Asset
  readonly script: Asset
  readonly icon: Asset
  readonly logo: Asset | undefined
}

/**
 * Makes the look of a realm.
 * @param path of the issuer, without a slash at its end: '' or `/realms/acme`.
 */
export function lookOf(realmName: string, theme: Theme, path: string): Look {
  const logo =
    theme.logo && asset(path, 'logo', theme.logo.type, Buffer.from(theme.logo.data, 'base64'))
  return {
    name: theme.name ?? realmName,
    stylesheet: asset(path, 'pages', 'text/css; charset=utf-8', Buffer.from(stylesheet(theme))),
    script: asset(path, 'passkey', 'text/javascript; charset=utf-8', SCRIPT),
    icon: logo ?? asset(path, 'icon', 'image/svg+xml', icon(theme)),
    logo,
  }
}

/** All files of a look, to be found by their paths. */
export function assetsOf(look: Look): ReadonlyMap<string, Asset> {
  const all = [look.stylesheet, look.script, look.icon, look.logo].filter(
    (one) => one !== undefined,
  )
  return new Map(all.map((one) => [one.path, one]))
}

/** Of a colour that has been parsed, and of nothing that anybody wrote. */
function icon(theme: Theme): Buffer {
  const { colour } = accents(theme.accent, theme.accentDark).light
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="${colour}"/><circle cx="16" cy="16" r="6" fill="none" stroke="#fff" stroke-width="4"/></svg>`,
  )
}
