/** The provider's side, as a connection trusts it: where requests go, and whose signatures count. */
export interface SamlProvider {
  readonly ssoUrl: string
  /** In PEM. Several while one replaces another. */
  readonly certificates: readonly string[]
}
