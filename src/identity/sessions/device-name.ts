const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]
/** What is looked at of a user agent, which may be of any length. */
const CHARACTERS_MAX = 500

/**
 * A browser in two words, without its version, so that it keeps its name when it is updated. It is a
 * guess from what the browser says, and shown as nothing else.
 */
export function deviceName(userAgent: string | undefined): string {
  const said = userAgent?.slice(0, CHARACTERS_MAX) ?? ''
  const of = (list: typeof BROWSERS) => list.find(([pattern]) => pattern.test(said))?.[1]
  const [browser, system] = [of(BROWSERS), of(SYSTEMS)]
  if (browser === undefined && system === undefined) return 'Unknown device'
  if (system === undefined) return browser ?? ''
  return `${browser ?? 'Browser'} on ${system}`
}
