import { ENGINE_NAMES, engine } from '../boundaries/registry.ts'
import type { OpenProving } from '../boundaries/cell.ts'
import { openControlApiProving } from '../back-office/open-proving.ts'
import type { Tier } from '../core/tenant.ts'
import { openFrontDoorProving } from '../front-door/open-proving.ts'
import { loadOrCreateEvidenceKey } from '../proof/evidence-key.ts'
import { planProof } from '../proof/plan-proof.ts'
import type { ProofEvent, ProofOptions } from '../proof/proof-options.ts'
import type { ProofReport, ProofSubject } from '../proof/proof-report.ts'
import type { ReportFile } from '../proof/report-files.ts'
import { runProof } from '../proof/run-proof.ts'
import { writeReports } from '../proof/write-reports.ts'
import { openRealmProving } from '../realm-proof/open-proving.ts'
import { openRecordsProving } from '../records-proof/open-proving.ts'

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

/**
 * Runs a whole proof, of an application's manifest on every engine, of the front door, of the control
 * API, of realms and of records, and writes its reports and evidence.
 */
export async function prove(
  options: ProveOptions,
): Promise<{ report: ProofReport; paths: Readonly<Record<ReportFile, string>> }> {
  const engines = await Promise.all(
    ENGINE_NAMES.map((name) =>
      engine(name).openProving({
        manifest: options.manifest,
        ...(options.url === undefined ? {} : { url: options.url }),
      }),
    ),
  )
  const opened: readonly OpenProving[] = [
    ...engines,
    await openFrontDoorProving(),
    await openControlApiProving(),
    await openRealmProving(),
    await openRecordsProving(),
  ]
  try {
    const { manifest: _manifest, keyDirectory, url, outDirectory, ...run } = options
    const proofOptions: ProofOptions = {
      ...run,
      boundaries: opened.map(({ provable }) => provable),
      subjects: opened.map(subjectOf),
      environment: Object.assign({}, ...opened.map(({ facts }) => facts)),
      // What lives at the URL is an engine's: there is no front door to it, no control API, no realm and no record.
      live: url === undefined ? false : engines.map(({ provable }) => provable.engine),
    }
    // Options that cannot be run are refused before a key is made, and a key that cannot be read
    // before minutes are spent on a run that nobody could sign.
    const { rehearsals } = planProof(proofOptions)
    const key = await loadOrCreateEvidenceKey(keyDirectory)
    const proven = opened.filter((one) =>
      rehearsals.some(({ boundary }) => boundary === one.provable),
    )
    // Nothing is said of what a narrowed run leaves out.
    const report = await runProof({ ...proofOptions, subjects: proven.map(subjectOf) })
    return { report, paths: await writeReports(outDirectory, report, key) }
  } finally {
    await Promise.all(opened.map((proving) => proving.close()))
  }
}

function subjectOf({ subject: { name, sha256 } }: OpenProving): ProofSubject {
  return { name, digest: { sha256 } }
}
