import { ENGINE_NAMES, engine } from '../boundaries/registry.ts'
import type { Tier } from '../core/tenant.ts'
import { loadOrCreateEvidenceKey } from '../proof/evidence-key.ts'
import { planProof } from '../proof/plan-proof.ts'
import type { ProofEvent, ProofOptions } from '../proof/proof-options.ts'
import type { ProofReport } from '../proof/proof-report.ts'
import type { ReportFile } from '../proof/report-files.ts'
import { runProof } from '../proof/run-proof.ts'
import { writeReports } from '../proof/write-reports.ts'

export interface ProveOptions {
  /** Path of the application's manifest. */
  readonly manifest: string
  /** A database of the user's, with an administrator's rights on its server. */
  readonly url?: string
  readonly toolVersion: string
  /** Where the reports go. */
  readonly outDirectory: string
  /** Where the evidence key is, or will be made. */
  readonly keyDirectory: string
  readonly tiers?: readonly Tier[]
  readonly tenants?: number
  readonly mutants?: boolean
  readonly thorough?: boolean
  readonly only?: readonly string[]
  readonly concurrency?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (event: ProofEvent) => void
}

/** Runs a whole proof of an application's manifest and writes its reports and evidence. */
export async function prove(
  options: ProveOptions,
): Promise<{ report: ProofReport; paths: Readonly<Record<ReportFile, string>> }> {
  const opened = await Promise.all(
    ENGINE_NAMES.map((name) =>
      engine(name).openProving({
        manifest: options.manifest,
        ...(options.url === undefined ? {} : { url: options.url }),
      }),
    ),
  )
  try {
    const { manifest: _manifest, keyDirectory, url, outDirectory, ...run } = options
    const proofOptions: ProofOptions = {
      ...run,
      boundaries: opened.map(({ provable }) => provable),
      subjects: opened.map(({ subject: { name, sha256 } }) => ({ name, digest: { sha256 } })),
      environment: Object.assign({}, ...opened.map(({ facts }) => facts)),
      live: url !== undefined,
    }
    // Options that cannot be run are refused before a key is made, and a key that cannot be read
    // before minutes are spent on a run that nobody could sign.
    planProof(proofOptions)
    const key = await loadOrCreateEvidenceKey(keyDirectory)
    const report = await runProof(proofOptions)
    return { report, paths: await writeReports(outDirectory, report, key) }
  } finally {
    await Promise.all(opened.map((proving) => proving.close()))
  }
}
