import type { Subject } from '../../../core/names.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import type { SealingKey } from '../../sealing-key.ts'
import { foldedOrNothing } from '../../directory/fold-name.ts'
import type { Caller } from '../sign-in.ts'
import { addressPrefix } from './address-prefix.ts'
import { KnownDevices } from './known-devices.ts'
import { type Bucket, Throttle } from './throttle.ts'

/** A try that was let through. */
export interface Try {
  /** It proved itself: what was counted against its owner is forgotten. */
  good(): Promise<void>
  /** It was not made after all. */
  undone(): Promise<void>
}

/** Which tries count against what. Strangers and known devices are counted apart. */
export class SignInLimits {
  readonly #database: IdentityDatabase
  readonly #sealing: SealingKey
  readonly #devices = new KnownDevices()
  readonly throttle: Throttle

  constructor(database: IdentityDatabase, sealing: SealingKey) {
    this.#database = database
    this.#sealing = sealing
    this.throttle = new Throttle(database)
  }

  /**
   * A password for what was typed as a name; `subject` when it is somebody's. The same queries
   * either way.
   */
  async password(
    caller: Caller,
    name: string,
    subject: Subject | undefined,
  ): Promise<Try | { readonly seconds: number }> {
    const { tenant, address, device } = caller
    const known = await this.#devices.knows(this.#database, tenant, subject, device)
    // By subject where there is one: a user's name and address are one account.
    const account = subject ?? `name ${foldedOrNothing(name) ?? ''}`
    if (known) return this.#take(caller, [this.#bucket(caller, 'device', account, String(device))])
    const network = addressPrefix(address)
    return this.#take(
      caller,
      [this.#bucket(caller, 'pair', account, network)],
      [
        this.#bucket(caller, 'account', account),
        this.#bucket(caller, 'address', network),
        this.#bucket(caller, 'realm'),
      ],
    )
  }

  /** A second factor of somebody whose first is proven. */
  async secondFactor(
    caller: Caller,
    subject: Subject,
  ): Promise<Try | { readonly seconds: number }> {
    const { tenant, device } = caller
    const known = await this.#devices.knows(this.#database, tenant, subject, device)
    const bucket = known
      ? this.#bucket(caller, 'second_device', subject, String(device))
      : this.#bucket(caller, 'second', subject)
    return this.#take(caller, [bucket])
  }

  /** A passkey, which nobody guesses: only so that one network does not keep us busy. */
  passkey(caller: Caller): Promise<Try | { readonly seconds: number }> {
    const bucket = this.#bucket(caller, 'address', addressPrefix(caller.address))
    return this.#take(caller, [], [bucket])
  }

  /** Somebody asks for a mail to recover an account. `0`: it may be written. */
  async recovery(caller: Caller, name: string): Promise<{ seconds: number; mail: boolean }> {
    const network = addressPrefix(caller.address)
    const seconds = await this.throttle.take(caller.tenant, [
      this.#bucket(caller, 'recovery_address', network),
      this.#bucket(caller, 'recovery_realm'),
    ])
    if (seconds > 0) return { seconds, mail: false }
    const account = this.#bucket(caller, 'recovery', foldedOrNothing(name) ?? '')
    return { seconds: 0, mail: (await this.throttle.take(caller.tenant, [account])) === 0 }
  }

  /** A user asks for a mail to its own address: 0, or the seconds to wait. */
  verification(caller: Pick<Caller, 'tenant'>, subject: Subject): Promise<number> {
    return this.throttle.take(caller.tenant, [this.#bucket(caller, 'verification', subject)])
  }

  /** @param shared counted too, but a good try takes back only its own part */
  async #take(
    { tenant }: Caller,
    own: readonly Bucket[],
    shared: readonly Bucket[] = [],
  ): Promise<Try | { readonly seconds: number }> {
    const seconds = await this.throttle.take(tenant, [...own, ...shared])
    if (seconds > 0) return { seconds }
    return {
      good: async () => {
        if (own.length > 0) await this.throttle.forget(tenant, own)
        if (shared.length > 0) await this.throttle.giveBack(tenant, shared)
      },
      undone: () => this.throttle.giveBack(tenant, [...own, ...shared]),
    }
  }

  /** Names are not kept as they were typed: some type their password there. */
  #bucket(
    { tenant }: Pick<Caller, 'tenant'>,
    kind: Bucket['kind'],
    ...of: readonly string[]
  ): Bucket {
    return { kind, of: this.#sealing.nameFor(tenant, 'throttle', kind, ...of) }
  }
}
