import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { RingfenceError } from '../../../core/errors.ts'

const derive = promisify(argon2)

/** Cost of Argon2id (RFC 9106). */
export interface HashCost {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

/** What OWASP asks for at least: 19 MiB, two passes, one lane. */
export const HASH_COST: HashCost = { memoryKib: 19_456, passes: 2, lanes: 1 }
const SALT_BYTES = 16
const TAG_BYTES = 32
/** A row that somebody wrote must not make us take all memory. */
const MEMORY_KIB_MAX = 1_048_576
const PASSES_MAX = 20

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** Compatibility forms of a character are that character, on whatever keyboard it was typed. */
const bytesOf = (password: string) => Buffer.from(password.normalize('NFKC'), 'utf8')

/** A new hash in the PHC string format. Takes tens of milliseconds of a core, on a thread of its own. */
export async function hashPassword(password: string, cost: HashCost = HASH_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await run(password, salt, TAG_BYTES, cost)
  const { memoryKib, passes, lanes } = cost
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(tag)}`
}

/** @throws RingfenceError `internal` when the hash is none of ours */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const { cost, salt, tag } = parsed(hash)
  return timingSafeEqual(await run(password, salt, tag.length, cost), tag)
}

/** True when it was made cheaper, or otherwise, than today. */
export function isOutdated(hash: string, cost: HashCost = HASH_COST): boolean {
  const made = parsed(hash).cost
  return (Object.keys(cost) as (keyof HashCost)[]).some((key) => made[key] !== cost[key])
}

function run(password: string, nonce: Buffer, tagLength: number, cost: HashCost): Promise<Buffer> {
  const { memoryKib: memory, passes, lanes: parallelism } = cost
  const message = bytesOf(password)
  return derive('argon2id', { message, nonce, parallelism, tagLength, memory, passes })
}

function parsed(hash: string): { cost: HashCost; salt: Buffer; tag: Buffer } {
  const [, m, t, p, salt = '', tag = ''] = PHC.exec(hash) ?? []
  const cost = { memoryKib: Number(m), passes: Number(t), lanes: Number(p) }
  const { memoryKib, passes, lanes } = cost
  const sane = memoryKib >= 8 * lanes && memoryKib <= MEMORY_KIB_MAX && passes <= PASSES_MAX
  if (!sane || passes < 1 || lanes < 1) {
    throw new RingfenceError('internal', 'a password hash is not in a form that is known')
  }
  return { cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
}

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
