import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvidenceKey } from './evidence-key.ts'
import { signEvidence } from './evidence.ts'
import { fileFailure } from './file-failure.ts'
import type { ProofReport } from './proof-report.ts'
import { REPORT_FILES, type ReportFile } from './report-files.ts'
import { renderHtml } from './report-html.ts'
import { renderJson } from './report-json.ts'
import { renderJunit } from './report-junit.ts'
import { renderSarif } from './report-sarif.ts'

/**
 * Writes every form of the report into `directory`, which is made if need be, and returns the paths.
 * Every file is whole from its first moment on. All are on disk before the first takes its name, and
 * the evidence, which holds the digests of the others, is the last to.
 * @throws RingfenceError `not_writable`, `disk_full`; what an earlier run wrote is then still there
 */
export async function writeReports(
  directory: string,
  report: ProofReport,
  key: EvidenceKey,
): Promise<Readonly<Record<ReportFile, string>>> {
  const bodies = {
    junit: renderJunit(report),
    sarif: renderSarif(report),
    html: renderHtml(report, key.keyid),
  }
  const companions = (['junit', 'sarif', 'html'] as const).map((file) => ({
    name: REPORT_FILES[file],
    content: bodies[file],
  }))
  const contents: Readonly<Record<ReportFile, string>> = {
    json: renderJson(report),
    ...bodies,
    publicKey: key.publicPem,
    evidence: signEvidence(report, companions, key),
  }
  const paths = pathsIn(directory)
  const drafts: { readonly draft: string; readonly path: string }[] = []
  try {
    await mkdir(directory, { recursive: true })
    for (const file of REPORT_ORDER) {
      const draft = `${paths[file]}.${randomUUID()}`
      drafts.push({ draft, path: paths[file] })
      await writeWhole(draft, contents[file])
    }
    for (const { draft, path } of drafts) await rename(draft, path)
  } catch (error) {
    await Promise.allSettled(drafts.map(({ draft }) => unlink(draft)))
    throw fileFailure(error, directory)
  }
  return paths
}

const REPORT_ORDER = ['json', 'junit', 'sarif', 'html', 'publicKey', 'evidence'] as const

function pathsIn(directory: string): Readonly<Record<ReportFile, string>> {
  return {
    json: join(directory, REPORT_FILES.json),
    junit: join(directory, REPORT_FILES.junit),
    sarif: join(directory, REPORT_FILES.sarif),
    html: join(directory, REPORT_FILES.html),
    evidence: join(directory, REPORT_FILES.evidence),
    publicKey: join(directory, REPORT_FILES.publicKey),
  }
}

async function writeWhole(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}
