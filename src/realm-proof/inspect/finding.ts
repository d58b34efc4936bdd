import type { Finding, Severity } from '../../core/finding.ts'

export function finding(
  rule: string,
  severity: Severity,
  object: string,
  explanation: string,
): Finding {
  return { rule, severity, object, explanation, fix: undefined }
}
