import type { RevocationList } from '../revocation/revocation.ts'
import type { Exchange } from './exchange.ts'
import type { Limiting } from './limiting.ts'
import type { RequestAudit } from './request-audit.ts'
import type { RequestUsage } from './request-usage.ts'
import type { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import type { ProofBook } from './used-proofs.ts'
import type { VerifiedTokens } from './verified-tokens.ts'

/** What the checks of one gateway remember between requests, and its limits. */
export interface GatewayMemory {
  readonly tokens: VerifiedTokens
  readonly limiting: Limiting
  /** The platform's own host names; undefined when any name that is no tenant's will do. */
  readonly hosts: ReadonlySet<string> | undefined
  readonly bodyBytesMax: number
  readonly revocations: RevocationList
  readonly proofs: ProofBook
  /** How callers reach the gateway. */
  readonly publicProtocol: 'http' | 'https'
  /** Enters what is decided. Undefined: what must be entered is refused. */
  readonly audit?: RequestAudit | undefined
  /** Enters what was used. Undefined: nobody counts it. */
  readonly usage?: RequestUsage | undefined
  /** Counts requests, and keeps spans of some. */
  readonly telemetry?: ServerTelemetry | undefined
  /** Gets a line for each question that is put to a tenant's policies, for dry runs. */
  readonly recordQuestion?: ((line: string) => void) | undefined
}

/**
 * One thing that must hold before a request goes on. Each closes a way in of its own, and none does
 * another's work, so that a proof can leave one out and see that an attack notices.
 */
export interface GatewayCheck {
  readonly name: string
  /** @throws Denial */
  run(exchange: Exchange, memory: GatewayMemory): void | Promise<void>
}
