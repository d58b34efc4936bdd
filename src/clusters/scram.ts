import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/** PostgreSQL's own default; RFC 7677 asks for at least as many. */
const ITERATIONS = 4096
const SALT_BYTES = 16
const PASSWORD_BYTES = 32

/** A random password of 256 bits, in characters that need no quoting anywhere. */
export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url')
}

/**
 * The SCRAM-SHA-256 verifier that PostgreSQL stores for a password (RFC 5803's syntax, RFC 5802's
 * functions). Made here so that the password itself never travels to the server or into its logs.
 * The password must be ASCII: SASLprep leaves it as it is.
 */
export async function scramVerifier(
  password: string,
  salt: Uint8Array = randomBytes(SALT_BYTES),
  iterations: number = ITERATIONS,
): Promise<string> {
  const salted = await derive(password, salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  const saltText = Buffer.from(salt).toString('base64')
  return `SCRAM-SHA-256$${iterations}:${saltText}$${storedKey}:${serverKey}`
}
