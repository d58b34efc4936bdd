import type { ProofReport } from './proof-report.ts'

/** The report as JSON text. */
export function renderJson(report: ProofReport): string {
  return jsonText(report)
}

/**
 * A document as JSON text. The same document always has the same bytes, also after it was parsed
 * again: evidence holds a digest of them.
 */
export function jsonText(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`
}
