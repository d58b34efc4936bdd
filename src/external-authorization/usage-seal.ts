import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { Used } from '../gateway/request-usage.ts'
import { checkSecret } from './proxy-secret.ts'

/** The field of the authorizer's answers that says what a request is, for the proxy's log alone. */
export const USAGE_FIELD = 'ringfence-usage'

const PURPOSE = 'ringfence usage of a request that a proxy carries, 1'
/** What was sealed and opened is remembered: a tenant's users do the same again and again. */
const REMEMBERED_MAX = 2_000

export const usedSchema = z.strictObject({
  tenantid: parsed(parseTenantId),
  tenantcontextid: parsed(parseTenantId).exactOptional(),
  grantid: z.string().exactOptional(),
  subject: z.string().exactOptional(),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
})

export type SealedUsed = Readonly<z.output<typeof usedSchema>>

/**
 * What a request is, on its way from the authorizer through a proxy and its log: whoever can write into
 * that log and has not the proxies' secret makes no usage of it, and turns none into another tenant's.
 * It is the same text for the same facts, and has letters, digits, `-`, `_` and `.` alone, so that it
 * ends no field and no line.
 */
export class UsageSeal {
  readonly #key: Buffer
  readonly #sealed = new Map<string, string>()
  readonly #opened = new Map<string, SealedUsed>()

  /** @throws RingfenceError `invalid_argument` as `checkSecret` */
  constructor(secret: string) {
    checkSecret(secret)
    this.#key = createHmac('sha256', secret).update(PURPOSE).digest()
  }

  seal(used: Used): string {
    const json = JSON.stringify(used)
    const known = this.#sealed.get(json)
    if (known !== undefined) return known
    const text = Buffer.from(json).toString('base64url')
    const sealed = `${text}.${this.#codeOf(text).toString('base64url')}`
    keep(this.#sealed, json, sealed)
    return sealed
  }

  /** Undefined for what was not sealed with this secret. */
  open(sealed: string): SealedUsed | undefined {
    const known = this.#opened.get(sealed)
    if (known !== undefined) return known
    const [text = '', code = '', ...more] = sealed.split('.')
    const presented = Buffer.from(code, 'base64url')
    const expected = this.#codeOf(text)
    if (more.length > 0 || presented.length !== expected.length) return undefined
    if (!timingSafeEqual(presented, expected)) return undefined
    const used = usedSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
    keep(this.#opened, sealed, used)
    return used
  }

  #codeOf(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}

/** The oldest goes first. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  const oldest = map.keys().next()
  if (map.size >= REMEMBERED_MAX && !oldest.done) map.delete(oldest.value)
  map.set(key, value)
}
