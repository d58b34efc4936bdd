import { randomUUID } from 'node:crypto'
import { BlockList, isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AlertIntake, AlertSignalInput } from '../alerts/alert.ts'
import type { AuditEntry } from '../audit/entry.ts'
import { makeEntry } from '../audit/make-entry.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { addressRules } from '../core/public-addresses.ts'
import type { Act, Finding } from './finding.ts'
import type { Responder, ResponseAsked } from './responder.ts'
import type { BehaviourSettings } from './settings.ts'

/** Findings that wait. Beyond it they are counted. */
const WAITING_MAX = 1_000
const AGAIN_MS = 1_000
/** An alert ends by itself when it is not said again for so long. Milliseconds. */
const ALERT_MS = 3_600_000

/** Where a detector's alerts go, and for whom they are. */
const TOLD: Readonly<
  Record<Finding['detector'], { readonly to: 'tenant' | 'platform'; readonly who: string }>
> = {
  'unusual-volume': { to: 'tenant', who: 'tenant-admin' },
  'cross-tenant-calls': { to: 'tenant', who: 'tenant-admin' },
  'concurrent-addresses': { to: 'tenant', who: 'tenant-admin' },
  'invalid-claims': { to: 'platform', who: 'security' },
  'unauthorised-grants': { to: 'platform', who: 'security-lead' },
}

/** Its entry has one id, however often it is tried. */
interface Waiting {
  readonly finding: Finding
  readonly id: string
}

export interface ReactionsOptions {
  readonly settings: BehaviourSettings
  readonly responder: Responder
  readonly alerts: AlertIntake
  /** Enters what was found. */
  readonly enter: (entries: readonly AuditEntry[]) => Promise<void>
  readonly now: () => number
  readonly log: (line: string) => void
}

/** Has findings entered, acted on and told, one after the other, and again until it is done. */
export class Reactions {
  readonly #options: ReactionsOptions
  readonly #waiting: Waiting[] = []
  readonly #neverBlock = new BlockList()
  readonly #public = addressRules()
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #dropped = 0

  constructor(options: ReactionsOptions) {
    this.#options = options
    for (const range of options.settings.responses.neverBlock) {
      const [address = '', bits] = range.split('/')
      const family = isIPv6(address) ? 'ipv6' : 'ipv4'
      if (bits === undefined) this.#neverBlock.addAddress(address, family)
      else this.#neverBlock.addSubnet(address, Number(bits), family)
    }
  }

  /** Returns at once. */
  add(finding: Finding): void {
    if (this.#waiting.length >= WAITING_MAX || this.#stop.signal.aborted) this.#dropped += 1
    else this.#waiting.push({ finding, id: randomUUID() })
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** When nothing waits any more. */
  async settled(): Promise<void> {
    await this.#running
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    const { signal } = this.#stop
    for (;;) {
      const [first] = this.#waiting
      if (first === undefined) return
      try {
        await this.#react(first)
        this.#waiting.shift()
        if (this.#dropped > 0) log(`behaviour: ${this.#dropped} findings were too many to act on`)
        this.#dropped = 0
      } catch (error) {
        log(`behaviour: ${first.finding.detector} is not acted on: ${messageOf(error)}`)
        // Only what passes is waited for: whatever else it is must not hold up the others.
        const passes = error instanceof RingfenceError && error.code === 'engine_unavailable'
        if (!passes) this.#waiting.shift()
        if (signal.aborted) return
        await sleep(AGAIN_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Acts first: it is the more urgent. What was done already is not done again. */
  async #react({ finding, id }: Waiting): Promise<void> {
    const { responder, enter, alerts } = this.#options
    const reason = reasonOf(finding)
    const done: string[] = []
    for (const act of finding.acts) {
      if (!this.#mayAct(act)) continue
      const until = new Date(this.#options.now() + this.#lastsMs(act))
      done.push(await begun(responder, { finding, act, reason, until }))
    }
    const { tenant, detector, about, signal, at, counted, limit } = finding
    await enter([
      makeEntry({
        id,
        time: new Date(at),
        tenant,
        ...{ category: 'detection', action: 'behaviour.found', decision: 'done', layer: detector },
        actor: { kind: 'platform', id: 'behaviour' },
        object: { type: 'behaviour', id: about },
        reason,
        detail: { signal, counted, limit: Math.round(limit), acts: done.join(', ') || 'none' },
      }),
    ])
    await alerts.signal(alertOf(finding, reason, done))
  }

  #lastsMs({ kind }: Act): number {
    const { blockSeconds, sessionSeconds, suspendSeconds, limitSeconds } =
      this.#options.settings.responses
    const lasts: Readonly<Record<Act['kind'], number>> = {
      'block-address': blockSeconds * 1000,
      'end-session': sessionSeconds * 1000,
      'suspend-grant': suspendSeconds * 1000,
      'limit-grant': limitSeconds * 1000,
      'challenge-grant': limitSeconds * 1000,
    }
    return lasts[kind]
  }

  /** What is not public may be our own: a balancer whose callers' addresses nobody passes on. */
  #mayAct(act: Act): boolean {
    if (!this.#options.settings.responses.carriedOut) return false
    if (act.kind !== 'block-address') return true
    const [address = ''] = act.network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    return this.#public.allows(address) && !this.#neverBlock.check(address, family)
  }
}

/** What is refused is told as not done: it must not keep the finding from being told. */
async function begun(responder: Responder, asked: ResponseAsked): Promise<string> {
  const { kind } = asked.act
  try {
    const response = await responder.begin(asked)
    return response === undefined ? `${kind}: in force, or too many` : kind
  } catch (error) {
    if (error instanceof RingfenceError && error.code === 'invalid_argument') {
      return `${kind}: refused`
    }
    throw error
  }
}

/** For the tenant's own eyes: it names no other. */
function reasonOf({ detector, signal, counted, limit }: Finding): string {
  const more = `${counted}, and more than ${Math.round(limit)}`
  const reasons: Readonly<Record<Finding['detector'], string>> = {
    'unusual-volume': `${signal} in an hour: ${more} are unusual`,
    'cross-tenant-calls': `calls under a grant in five minutes: ${more} are a spike`,
    'invalid-claims': `invalid claims: ${more} at once`,
    'unauthorised-grants': `requests beyond a grant: ${more} at once`,
    'concurrent-addresses': `addresses of one session: ${more} at once`,
  }
  return reasons[detector]
}

function alertOf(finding: Finding, reason: string, done: readonly string[]): AlertSignalInput {
  const { detector, tenant, about, signal, at } = finding
  const { to, who } = TOLD[detector]
  const isPlatforms = to === 'platform' || tenant === undefined
  return {
    name: detector,
    ...(isPlatforms ? {} : { tenant }),
    severity: to === 'platform' ? 'critical' : 'warning',
    state: 'firing',
    labels: {
      ...{ for: who, about, signal },
      ...(isPlatforms && tenant !== undefined ? { tenant } : {}),
    },
    summary: `${about}: ${reason}`,
    detail: `done: ${done.join(', ') || 'nothing'}`,
    at: new Date(at),
    until: new Date(at + ALERT_MS),
  }
}
