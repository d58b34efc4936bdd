import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RingfenceError } from '../../core/errors.ts'
import type { Challenges } from './certificate-authority.ts'

/** Base64url (RFC 8555, section 8.3). It becomes the name of a file, so that nothing else may be in it. */
const TOKEN = /^[A-Za-z0-9_-]{16,200}$/

/** Challenges in files, so that whichever process the authority comes to can answer. */
export class ChallengeDirectory implements Challenges {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  async put({ host, token, answer }: Parameters<Challenges['put']>[0]): Promise<void> {
    if (!TOKEN.test(token)) throw new RingfenceError('upstream_failed', 'not a token of ACME')
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const place = join(this.#directory, token)
    await writeFile(`${place}.new`, JSON.stringify({ host, answer }), { mode: 0o600 })
    await rename(`${place}.new`, place)
  }

  async remove(token: string): Promise<void> {
    if (TOKEN.test(token)) await rm(join(this.#directory, token), { force: true })
  }

  /** What is answered for a token at a host; undefined when nobody has asked for a certificate there. */
  async answer(host: string, token: string): Promise<string | undefined> {
    if (!TOKEN.test(token)) return undefined
    try {
      const text = await readFile(join(this.#directory, token), 'utf8')
      const known = JSON.parse(text) as { readonly host?: unknown; readonly answer?: unknown }
      return known.host === host && typeof known.answer === 'string' ? known.answer : undefined
    } catch {
      return undefined
    }
  }
}
