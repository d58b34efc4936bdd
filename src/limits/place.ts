import type { TenantId } from '../core/tenant.ts'

/** A tenant's requests at one gate. It is there while there are any. */
export class Flow {
  readonly tenant: TenantId
  weight: number
  inside = 0
  /** Virtual time at which what it was let in for is paid for. */
  finish = 0
  readonly waiting: Place[] = []

  constructor(tenant: TenantId, weight: number) {
    this.tenant = tenant
    this.weight = weight
  }

  /** Of its queue, for its weight. */
  get length(): number {
    return this.waiting.length / this.weight
  }
}

type State = 'new' | 'waiting' | 'inside' | 'refused' | 'left'

/** One request at a gate. */
export class Place {
  readonly flow: Flow
  readonly #onLeave: (place: Place) => void
  state: State = 'new'
  /** When it is refused, if it still waits. */
  until = 0
  /** Where it has to wait: true when it is let in, false when it is not. It does not reject. */
  #waited: Promise<boolean> | undefined
  #answer: ((isIn: boolean) => void) | undefined

  constructor(flow: Flow, onLeave: (place: Place) => void) {
    this.flow = flow
    this.#onLeave = onLeave
  }

  /** Whether it is inside: at once, or when that is known. */
  get entry(): boolean | Promise<boolean> {
    return this.#waited ?? this.state === 'inside'
  }

  /** Gives the place up, whatever it has come to. Any number of times. */
  leave(): void {
    if (this.state !== 'waiting' && this.state !== 'inside') return
    this.#onLeave(this)
    this.state = 'left'
    this.#answer?.(false)
  }

  wait(until: number): void {
    this.state = 'waiting'
    this.until = until
    this.#waited = new Promise((resolve) => {
      this.#answer = resolve
    })
  }

  seat(): void {
    this.state = 'inside'
    this.#answer?.(true)
  }

  refuse(): void {
    this.state = 'refused'
    this.#answer?.(false)
  }
}
