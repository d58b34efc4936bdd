import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'

const FILE = 'logins.json'
/** A refresh takes a second or two; a lock that is older was left by a process that is gone. */
const LOCK_MS_MAX = 30_000
const LOCK_WAIT_MS = 50

/** What a sign-in at one control plane left. Secret. */
const loginSchema = z.strictObject({
  issuer: z.string(),
  client: z.string(),
  audience: z.string(),
  accessToken: z.string(),
  /** Milliseconds since 1970. */
  expiresAt: z.number(),
  refreshToken: z.string().optional(),
})
export type Login = z.output<typeof loginSchema>
const fileSchema = z.record(z.string(), loginSchema)

/** Sign-ins of this user, by control plane, in a file that nobody else may read. */
export class LoginsFile {
  readonly #directory: string
  readonly #path: string

  private constructor(directory: string) {
    this.#directory = directory
    this.#path = join(directory, FILE)
  }

  /** Undefined where the user has no place for such a file. */
  static of({ environment }: Pick<Console, 'environment'>): LoginsFile | undefined {
    const { RINGFENCE_CONFIG_DIR, XDG_CONFIG_HOME, HOME } = environment
    if (RINGFENCE_CONFIG_DIR) return new LoginsFile(RINGFENCE_CONFIG_DIR)
    if (XDG_CONFIG_HOME) return new LoginsFile(join(XDG_CONFIG_HOME, 'ringfence'))
    return HOME ? new LoginsFile(join(HOME, '.config', 'ringfence')) : undefined
  }

  /** @throws RingfenceError `invalid_argument` for a file that others can read, or that is none of ours */
  read(server: string): Login | undefined {
    return this.#all()[server]
  }

  /** Takes its place whole: a kill midway leaves what was there before. */
  write(server: string, login: Login | undefined): void {
    const { [server]: _before, ...others } = this.#all()
    const all = login === undefined ? others : { ...others, [server]: login }
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    const draft = `${this.#path}.${randomUUID()}`
    writeFileSync(draft, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, this.#path)
  }

  /**
   * One at a time among all processes of the user: a refresh token is good once, and whoever uses it a
   * second time ends the sign-in.
   */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const lock = `${this.#path}.lock`
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    while (!taken(lock)) await sleep(LOCK_WAIT_MS)
    try {
      return await work()
    } finally {
      rmSync(lock, { force: true })
    }
  }

  #all(): Readonly<Record<string, Login>> {
    let text: string
    try {
      if ((statSync(this.#path).mode & 0o077) !== 0) {
        throw new RingfenceError(
          'invalid_argument',
          `${this.#path} can be read by others: remove it, and sign in again`,
        )
      }
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if (error instanceof RingfenceError) throw error
      return {}
    }
    try {
      return fileSchema.parse(JSON.parse(text))
    } catch (error) {
      // Without the cause: it quotes the file.
      throw new RingfenceError(
        'invalid_argument',
        `${this.#path} cannot be read: remove it, and sign in again`,
        { detail: messageOf(error).slice(0, 100) },
      )
    }
  }
}

function taken(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { mode: 0o600, flag: 'wx' })
    return true
  } catch {
    try {
      if (Date.now() - statSync(lock).mtimeMs > LOCK_MS_MAX) rmSync(lock, { force: true })
    } catch {
      // It is gone by now.
    }
    return false
  }
}
