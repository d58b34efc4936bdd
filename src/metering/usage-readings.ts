import type { TenantId } from '../core/tenant.ts'

/** Millionths of a meter's unit: quantities are exact, and never floating point. */
export type Micros = bigint

/** What one meter says of one tenant in one window. */
export interface Reading {
  readonly meter: string
  /** Inclusive. */
  readonly from: Date
  /** Exclusive. */
  readonly to: Date
  /** By the meter's group keys; empty for a meter without groups. */
  readonly group: Readonly<Record<string, string>>
  readonly quantity: Micros
}

export type Window = 'minute' | 'hour' | 'day' | 'whole'

export interface ReadingsAsked {
  readonly tenant: TenantId
  readonly meter: string
  readonly from: Date
  readonly to: Date
  readonly window: Window
  /** Keys of the meter's groups; what is left out is added up. */
  readonly by?: readonly string[]
}

/** What billing, quotas and tenants read of meters. */
export interface UsageReadings {
  /** @throws RingfenceError `not_found` for an unknown meter; `invalid_argument`; `engine_unavailable` */
  read(asked: ReadingsAsked): Promise<readonly Reading[]>
  /** The time up to which a tenant's usage is complete as far as senders have said: `docs/metering.md`. */
  watermark(tenant: TenantId): Promise<Date>
}
