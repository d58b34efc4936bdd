import { createHash } from 'node:crypto'
import type { Erasure, ExportManifest } from '../boundaries/boundary.ts'
import type { TenantId } from '../core/tenant.ts'

/** The media type of in-toto statements in an envelope. */
export const RECEIPT_PAYLOAD_TYPE = 'application/vnd.in-toto+json'
export const RECEIPT_PREDICATE_TYPE = 'https://ringfence.dev/predicates/offboarding/v1'
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

export interface Offboarding {
  readonly tenant: TenantId
  readonly workflow: string
  readonly requestedBy: string
  readonly why: string
  readonly requestedAt: Date
  readonly completedAt: Date
  /** The change's number in an outside system. */
  readonly changeRecord: string | null
  readonly exports: readonly ExportManifest[]
  readonly erasures: readonly { readonly engine: string; readonly erasure: Erasure }[]
}

/** What no erasure of ours reaches, whatever the engines. */
const NOT_COVERED = [
  'The export that was made before the erasure: it is kept where the operator put it.',
  "The registry's record of the tenant's id, its changes of status and who asked for them, and this receipt.",
  'Copies that people or applications made outside the boundaries.',
]

/** An in-toto statement about an offboarding: what was erased, where was looked, what is not covered. */
export function receiptStatement(offboarding: Offboarding): Buffer {
  const { tenant, erasures, exports: manifests } = offboarding
  const predicate = {
    tenant,
    workflow: offboarding.workflow,
    requestedBy: offboarding.requestedBy,
    why: offboarding.why,
    requestedAt: offboarding.requestedAt.toISOString(),
    completedAt: offboarding.completedAt.toISOString(),
    changeRecord: offboarding.changeRecord,
    exports: manifests.map(({ engine, exportedAt, items }) => ({
      engine,
      exportedAt: exportedAt.toISOString(),
      items,
    })),
    covered: erasures.map(({ engine, erasure }) => ({
      engine,
      erasedAt: erasure.erasedAt.toISOString(),
      deleted: erasure.deleted,
      probes: erasure.probes,
    })),
    notCovered: [
      ...new Set([...erasures.flatMap(({ erasure }) => erasure.notCovered), ...NOT_COVERED]),
    ],
  }
  return Buffer.from(
    JSON.stringify({
      _type: STATEMENT_TYPE,
      subject: [{ name: `tenant:${tenant}`, digest: { sha256: digestOf(predicate.covered) } }],
      predicateType: RECEIPT_PREDICATE_TYPE,
      predicate,
    }),
  )
}

/** Names what was done to the tenant: hex SHA-256 of the list of erasures as it stands in the receipt. */
function digestOf(covered: unknown): string {
  return createHash('sha256').update(JSON.stringify(covered)).digest('hex')
}
