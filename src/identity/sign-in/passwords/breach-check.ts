import { createHash } from 'node:crypto'
import { dictionary } from '@zxcvbn-ts/language-common'
import { messageOf } from '../../../core/errors.ts'

/** Says whether a password stands in lists of leaked ones. `unknown`: it could not be asked. */
export interface BreachCheck {
  check(password: string): Promise<'leaked' | 'not_leaked' | 'unknown'>
}

/** The fifty thousand most common leaked passwords, which come with the program. */
export class CommonPasswords implements BreachCheck {
  readonly #common = new Set(dictionary['passwords-common'])

  async check(password: string): Promise<'leaked' | 'not_leaked'> {
    return this.#common.has(password.normalize('NFKC').toLowerCase()) ? 'leaked' : 'not_leaked'
  }
}

const ANSWER_MS = 2_000
const ANSWER_BYTES_MAX = 200_000
const PREFIX = 5
const LINE = /^([0-9A-F]{35}):(\d{1,12})$/

export interface RangeBreachCheckOptions {
  /** What comes before the prefix: `https://api.example/range/`. */
  readonly url: string
  readonly log: (line: string) => void
  /** Default the platform's. */
  readonly fetch?: typeof fetch
}

/**
 * Asks a service of the form that Have I Been Pwned has: it is told the first 20 bits of the
 * password's SHA-1, together with padding, and answers with all that begin so. When it does not answer
 * in two seconds, users can set passwords all the same.
 */
export class RangeBreachCheck implements BreachCheck {
  readonly #options: RangeBreachCheckOptions

  constructor(options: RangeBreachCheckOptions) {
    this.#options = options
  }

  async check(password: string): Promise<'leaked' | 'not_leaked' | 'unknown'> {
    const { url, log, fetch: ask = fetch } = this.#options
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
    try {
      const answer = await ask(`${url}${digest.slice(0, PREFIX)}`, {
        headers: { 'Add-Padding': 'true' },
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
      })
      if (answer.status !== 200) throw new Error(`status ${answer.status}`)
      return holds(await readText(answer), digest.slice(PREFIX)) ? 'leaked' : 'not_leaked'
    } catch (error) {
      log(`the service for leaked passwords: ${messageOf(error)}`)
      return 'unknown'
    }
  }
}

/** A count of zero is padding. */
function holds(text: string, suffix: string): boolean {
  return text.split('\n').some((line) => {
    const [, found, count] = LINE.exec(line.trim()) ?? []
    return found === suffix && Number(count) > 0
  })
}

async function readText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new Error('a longer answer than there can be')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('latin1')
}
