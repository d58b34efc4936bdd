import { createHash } from 'node:crypto'
import { z } from 'zod'
import { keyIdOf, openEnvelope, readPublicKey, refusal, sealEnvelope, type Signer } from './dsse.ts'
import { type ProofReport, proofReportSchema, type ProofVerdict } from './proof-report.ts'
import { REPORT_FILES } from './report-files.ts'
import { jsonText, renderJson } from './report-json.ts'
import { parseStrictJson } from '../core/strict-json.ts'

/** in-toto Attestation Framework, `spec/v1/statement.md` and `spec/v1/envelope.md`. */
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
export const PREDICATE_TYPE = 'https://ringfence.dev/predicates/isolation-proof/v1'

const subjectSchema = z.object({
  name: z.string().min(1),
  digest: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
})

// Unknown fields are ignored, as in-toto's parsing rules demand; those named here must be right.
const statementSchema = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(subjectSchema).min(1),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.object({
    verdict: proofReportSchema.shape.verdict,
    report: proofReportSchema,
  }),
})

/** What a file of the same run is called, and its bytes or text. */
export interface Companion {
  readonly name: string
  readonly content: string
}

export interface VerifiedEvidence {
  /** Hex SHA-256 of the SPKI DER of the key that was given: compare it with the one you trust. */
  readonly keyid: string
  readonly verdict: ProofVerdict
  /** What the proof is about, and the digests of the reports of the same run. */
  readonly subjects: readonly {
    readonly name: string
    readonly digest: { readonly sha256: string }
  }[]
  readonly report: ProofReport
}

/**
 * The signed evidence of a run: an in-toto statement in a DSSE envelope, as JSON text. Its subjects
 * are those of the report, the report's own JSON text, and the `companions`.
 */
export function signEvidence(
  report: ProofReport,
  companions: readonly Companion[],
  signer: Signer,
): string {
  const files = [{ name: REPORT_FILES.json, content: renderJson(report) }, ...companions]
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [
      ...report.subjects,
      ...files.map(({ name, content }) => ({ name, digest: { sha256: sha256(content) } })),
    ],
    predicateType: PREDICATE_TYPE,
    predicate: {
      verdict: report.verdict,
      reasons: report.reasons,
      startedAt: report.startedAt,
      finishedAt: report.finishedAt,
      tool: report.tool,
      counts: report.counts,
      limits: report.limits,
      mutants: report.tiers.flatMap(({ engine, tier, mutants }) =>
        mutants.map(({ id, status, noticedBy }) => ({ engine, tier, id, status, noticedBy })),
      ),
      report,
    },
  }
  return sealEnvelope(PAYLOAD_TYPE, Buffer.from(JSON.stringify(statement)), signer)
}

/**
 * Checks evidence with nothing but its text and the public key that the reader trusts: the
 * signature, the statement's form, and that the report inside is the one whose digest it names.
 * @throws RingfenceError `invalid_evidence` with what is wrong
 */
export function verifyEvidence(envelopeText: string, publicKeyPem: string): VerifiedEvidence {
  const key = readPublicKey(publicKeyPem)
  const payload = openEnvelope(envelopeText, PAYLOAD_TYPE, key)
  const { parsed, statement } = readStatement(payload)
  const { subject, predicate } = statement
  // The digest is of the report as it was signed, with fields that this version may not know.
  const signedReport = z.object({ predicate: z.object({ report: z.unknown() }) }).parse(parsed)
  const digest = sha256(jsonText(signedReport.predicate.report))
  const named = subject.some(
    ({ name, digest: { sha256: value } }) => name === REPORT_FILES.json && value === digest,
  )
  if (!named) throw refusal('the report inside is not the one that the evidence names')
  if (predicate.verdict !== predicate.report.verdict) {
    throw refusal('the verdict of the evidence is not that of the report inside')
  }
  return {
    keyid: keyIdOf(key),
    verdict: predicate.verdict,
    subjects: subject,
    report: predicate.report,
  }
}

function readStatement(payload: Buffer): {
  readonly parsed: unknown
  readonly statement: z.infer<typeof statementSchema>
} {
  let parsed: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)
    parsed = parseStrictJson(text)
  } catch (error) {
    throw refusal('the payload is not a JSON document without repeated keys', error)
  }
  const statement = statementSchema.safeParse(parsed)
  if (!statement.success) {
    const where = statement.error.issues[0]?.path.join('.') ?? ''
    throw refusal(`the payload is not a statement of a proof: ${where}`, statement.error)
  }
  return { parsed, statement: statement.data }
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}
