import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Login } from './borrow-lease.ts'

export const SERVICE_FILE = 'pg_service.conf'
export const PASS_FILE = 'pgpass'

/**
 * Writes a lease as libpq reads it: a service without its password, and a password file of mode 0600
 * (PostgreSQL's documentation, "The Connection Service File" and "The Password File").
 * @param directory made where it is missing, for our own user alone
 */
export async function writeLibpqFiles(
  directory: string,
  service: string,
  { host, port, database, user, password }: Login,
): Promise<{ readonly serviceFile: string; readonly passFile: string }> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const passFile = join(directory, PASS_FILE)
  const serviceFile = join(directory, SERVICE_FILE)
  // libpq takes the socket's directory for the host in a password file, as it is.
  const fields = [host, String(port), database, user, password].map(escaped)
  await writeFile(passFile, `${fields.join(':')}\n`, { mode: 0o600 })
  const lines = [`host=${host}`, `port=${port}`, `dbname=${database}`, `user=${user}`]
  await writeFile(serviceFile, `[${service}]\n${[...lines, `passfile=${passFile}`].join('\n')}\n`, {
    mode: 0o600,
  })
  return { serviceFile, passFile }
}

function escaped(field: string): string {
  return field.replaceAll(/[\\:]/g, String.raw`\$&`)
}
