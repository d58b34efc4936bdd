import { parseSubject } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { type Entry, KEPT_SECONDS } from './entry.ts'
import type { Revocable, Revocation } from './revocation.ts'

type Kind = Revocation['kind']

/** Widest first. */
const KINDS: readonly Kind[] = ['everything', 'tenant', 'client', 'subject', 'session', 'token']
/** Voids something as long as it is remembered, whenever that was issued. */
const FOR_GOOD: ReadonlySet<Kind> = new Set(['session', 'token'])

interface Known {
  atMs: number
  untilMs: number
  /** When it was heard last, by the process's own clock. */
  heardMs: number
}

/**
 * Revocations in memory, by kind and by what they name: a look-up costs six at most, however many
 * there are. Of several about the same thing only the latest counts, so that only one is kept.
 */
export class RevocationIndex {
  readonly #kinds = new Map<Kind, Map<string, Known>>(KINDS.map((kind) => [kind, new Map()]))
  readonly #steady: () => number

  /** @param steady milliseconds of a clock that nobody sets */
  constructor(steady: () => number = () => performance.now()) {
    this.#steady = steady
  }

  /** Takes an entry in. False when it says nothing that was not known. */
  add({ revocation, untilMs }: Entry): boolean {
    const of = this.#of(revocation.kind)
    const key = keyOf(revocation)
    const atMs = revocation.at.getTime()
    const known = of.get(key)
    const heardMs = this.#steady()
    if (known === undefined) {
      of.set(key, { atMs, untilMs, heardMs })
      return true
    }
    known.heardMs = heardMs
    const isNews = atMs > known.atMs && !FOR_GOOD.has(revocation.kind)
    known.atMs = Math.max(known.atMs, atMs)
    known.untilMs = Math.max(known.untilMs, untilMs)
    return isNews
  }

  /** The widest kind of revocation that covers a token, or what it was exchanged for. */
  find(token: Revocable): Kind | undefined {
    const own = this.#findOwn(token)
    const { source } = token
    const other = source === undefined ? undefined : this.find(source)
    if (other === undefined) return own
    return KINDS.find((kind) => kind === own || kind === other)
  }

  #findOwn(token: Revocable): Kind | undefined {
    const issuedMs = token.issuedAt.getTime()
    for (const kind of KINDS) {
      const of = this.#of(kind)
      if (of.size === 0) continue
      const known = of.get(KEY_IN[kind](token))
      if (known !== undefined && (FOR_GOOD.has(kind) || issuedMs <= known.atMs)) return kind
    }
    return undefined
  }

  /**
   * Forgets what voids nothing any more: its time is over, and it has been known here for as long. A clock
   * that is set forward for a while, and then right again, brings nothing back.
   */
  forget(nowMs: number): void {
    const heardBefore = this.#steady() - KEPT_SECONDS * 1000
    for (const of of this.#kinds.values()) {
      for (const [key, { untilMs, heardMs }] of of) {
        if (untilMs < nowMs && heardMs < heardBefore) of.delete(key)
      }
    }
  }

  get size(): number {
    return [...this.#kinds.values()].reduce((sum, { size }) => sum + size, 0)
  }

  *entries(): Generator<Entry> {
    for (const [kind, of] of this.#kinds) {
      for (const [key, { atMs, untilMs }] of of) {
        yield { revocation: revocationOf(kind, key, new Date(atMs)), untilMs }
      }
    }
  }

  #of(kind: Kind): Map<string, Known> {
    const of = this.#kinds.get(kind)
    if (of === undefined) throw new TypeError('no such kind of revocation')
    return of
  }
}

/** A tenant's id holds no space, so that no two pairs have one key. */
const pair = (tenant: TenantId, id: string) => `${tenant} ${id}`

function keyOf(revocation: Revocation): string {
  switch (revocation.kind) {
    case 'everything':
      return ''
    case 'tenant':
      return revocation.tenant
    default:
      return pair(revocation.tenant, revocation.id)
  }
}

/** What a revocation of a kind would name to cover the token. */
const KEY_IN: Readonly<Record<Kind, (token: Revocable) => string>> = {
  everything: () => '',
  tenant: ({ tenant }) => tenant,
  client: ({ tenant, client }) => pair(tenant, client),
  subject: ({ tenant, subject }) => pair(tenant, subject),
  // No session has an empty id.
  session: ({ tenant, session }) => pair(tenant, session ?? ''),
  token: ({ tenant, id }) => pair(tenant, id),
}

function revocationOf(kind: Kind, key: string, at: Date): Revocation {
  if (kind === 'everything') return { kind, at }
  const space = key.indexOf(' ')
  if (kind === 'tenant') return { kind, tenant: parseTenantId(key), at }
  const tenant = parseTenantId(key.slice(0, space))
  const id = key.slice(space + 1)
  return kind === 'subject' ? { kind, tenant, id: parseSubject(id), at } : { kind, tenant, id, at }
}
