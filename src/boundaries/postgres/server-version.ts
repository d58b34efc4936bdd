/** `PostgreSQL 18.4` from `server_version_num` 180004. */
export function versionText(version: number): string {
  return `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`
}
