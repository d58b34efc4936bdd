import { LRUCache } from 'lru-cache'
import type { TenantId } from '../core/tenant.ts'

export interface DelayControlOptions {
  readonly min: number
  readonly max: number
}

/** A decision takes so many answers, and so many milliseconds of them. */
const WINDOW_ANSWERS = 20
const WINDOW_MS = 500
/** What a limit begins with. */
const FIRST = 64
/** Requests that may queue at the upstream, as a part of those inside: below `FEW` there may be more. */
const FEW = 0.03
const MANY = 0.06
/** So few are never many. */
const MANY_MIN = 2
/** A limit falls by no more than this at once. */
const FALL_MAX = 0.5
/** How much it rises by at once until requests have queued for the first time. */
const FIRST_RISE = 1.5
/**
 * Of delays that are shorter nothing is told: other processes on a busy machine make as much, this one
 * among them, and a queue of so little time is not worth keeping anybody out (RFC 8289
 * takes the same for packets).
 */
const LEAST_MS = 5
/** How fast what is usual follows what is seen, and by how many answers it does so in full. */
const LEARNING = 0.5
const LEARNING_ANSWERS = 20
/** The same where some may queue. What is learned too much is unlearned when it is tried with fewer. */
const LEARNING_FULL = 0.02
/** After so many windows at the limit it is tried whether fewer would be quicker. */
const PROBE_WINDOWS = 20
const PROBE = 0.8
/** Tenants of one upstream of which it is known what is usual. */
const TENANTS = 500

/** How many there are at an upstream's gate. */
export interface Crowd {
  /** Under way at the upstream, the one that was just answered among them. */
  readonly inside: number
  /** Kept out by the limit. */
  readonly waiting: number
}

class Window {
  readonly began: number
  readonly tenants = new Map<TenantId, { ms: number; count: number }>()
  answers = 0
  insideSum = 0
  insideMost = 0
  waitingMost = 0

  constructor(began: number) {
    this.began = began
  }

  add(tenant: TenantId, ms: number, { inside, waiting }: Crowd): void {
    const seen = this.tenants.get(tenant) ?? { ms: 0, count: 0 }
    seen.ms += ms
    seen.count += 1
    this.tenants.set(tenant, seen)
    this.answers += 1
    this.insideSum += inside
    this.insideMost = Math.max(this.insideMost, inside)
    this.waitingMost = Math.max(this.waitingMost, waiting)
  }
}

/**
 * How many requests an upstream takes at once, found out by how long it takes to answer: as TCP Vegas
 * (Brakmo, Peterson 1995) does it, but with averages in the place of least values. What of a delay is
 * more than usual is time in a queue, and by Little's law it tells how many queue there. While those
 * are few the limit rises by additions; when they are many it falls to what is not in the queue.
 *
 * What is usual is known for each tenant by itself, and the middle one of the tenants decides: one
 * that calls what is slow does not take places from others.
 */
export class DelayControl {
  readonly #options: DelayControlOptions
  readonly #usual = new LRUCache<TenantId, number>({ max: TENANTS })
  #window: Window | undefined
  #limit: number
  /** Until requests have queued for the first time. */
  #isFirst = true
  #fullWindows = 0
  #loweredAt = Number.NEGATIVE_INFINITY

  constructor(options: DelayControlOptions) {
    this.#options = options
    this.#limit = this.#bounded(FIRST)
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** @param ms from when a request was let through to the first byte of its answer */
  answered(tenant: TenantId, ms: number, crowd: Crowd, now: number): void {
    // Of what was let through under a higher limit it tells how that was.
    if (now - ms < this.#loweredAt) return
    this.#window ??= new Window(now)
    this.#window.add(tenant, ms, crowd)
    const { answers, began } = this.#window
    if (answers < WINDOW_ANSWERS || now - began < WINDOW_MS) return
    const before = this.#limit
    this.#decide(this.#window)
    this.#window = undefined
    if (this.#limit < before) this.#loweredAt = now
  }

  #decide(window: Window): void {
    const inside = window.insideSum / window.answers
    const isFull = window.waitingMost > 0
    if (isFull && this.#usual.size === 0) {
      // What is usual is not known, and is not to be learned of an upstream that has too much to do.
      this.#limit = this.#options.min
      if (window.insideMost > this.#limit) return
    }
    const slowdown = this.#slowdown(window)
    const queued = inside * (1 - 1 / slowdown)
    const isMany = queued > Math.max(MANY_MIN, inside * MANY)
    this.#learn(window, this.#upwards(isFull, isMany))
    this.#fullWindows = isFull ? this.#fullWindows + 1 : 0
    if (isMany) {
      const kept = Math.max(FALL_MAX, 1 / slowdown + FEW)
      this.#limit = Math.min(this.#limit, window.insideMost) * kept
      this.#isFirst = false
    } else if (this.#fullWindows >= PROBE_WINDOWS) {
      this.#limit *= PROBE
      this.#fullWindows = 0
    } else if (isFull && queued <= Math.max(1, inside * FEW)) {
      if (this.#isFirst) this.#limit *= FIRST_RISE
      else this.#limit += Math.log2(this.#limit) / 2
    }
    this.#limit = this.#bounded(this.#limit)
  }

  /** How many times as long as usual answers take, 1 at least, as the middle one of the tenants sees it. */
  #slowdown({ tenants }: Window): number {
    const seen: number[] = []
    for (const [tenant, { ms, count }] of tenants) {
      const usual = this.#usual.get(tenant)
      seen.push(usual === undefined ? 1 : Math.max(1, told(ms / count) / told(usual)))
    }
    seen.sort((a, b) => a - b)
    return seen[Math.floor((seen.length - 1) / 2)] ?? 1
  }

  /** How fast it learns that answers take longer, for another reason than that they queue. */
  #upwards(isFull: boolean, isMany: boolean): number {
    // At the least there is no queue of our making: what is slow there is usual from now on.
    if (this.#limit <= this.#options.min) return 1
    if (isMany) return 0
    return isFull ? LEARNING_FULL : LEARNING
  }

  #learn({ tenants }: Window, upwards: number): void {
    for (const [tenant, { ms, count }] of tenants) {
      const mean = ms / count
      const usual = this.#usual.get(tenant)
      if (usual === undefined) {
        this.#usual.set(tenant, mean)
        continue
      }
      const rate = mean < usual ? LEARNING : upwards
      const change = rate * Math.min(1, count / LEARNING_ANSWERS) * (mean - usual)
      this.#usual.set(tenant, usual + change)
    }
  }

  #bounded(limit: number): number {
    return Math.min(this.#options.max, Math.max(this.#options.min, limit))
  }
}

const told = (ms: number) => Math.max(LEAST_MS, ms)
