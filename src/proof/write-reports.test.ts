import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { verifyEvidence } from './evidence.ts'
import { REPORT_FILES } from './report-files.ts'
import { passingKey, provenReport, troubledReport } from './sample-reports.test-support.ts'
import { writeReports } from './write-reports.ts'

const ALL = Object.values(REPORT_FILES).sort()
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringfence-reports-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('every form is written, and the evidence names each file with its digest', async () => {
  const home = join(directory, 'a new', 'place')
  const key = passingKey()
  const paths = await writeReports(home, await provenReport(), key)
  assert.deepEqual((await readdir(home)).sort(), ALL)
  assert.deepEqual(
    Object.values(paths)
      .map((path) => basename(path))
      .sort(),
    ALL,
  )
  const evidence = await readFile(paths.evidence, 'utf8')
  const verified = verifyEvidence(evidence, await readFile(paths.publicKey, 'utf8'))
  assert.equal(verified.verdict, 'proven')
  for (const file of ['json', 'junit', 'sarif', 'html'] as const) {
    const sha256 = createHash('sha256')
      .update(await readFile(paths[file]))
      .digest('hex')
    const named = verified.subjects.find(({ name }) => name === REPORT_FILES[file])
    assert.equal(named?.digest.sha256, sha256, file)
  }
})

test('hostile text in a report does not part the evidence from the files it names', async () => {
  const paths = await writeReports(directory, await troubledReport(), passingKey())
  const verified = verifyEvidence(
    await readFile(paths.evidence, 'utf8'),
    await readFile(paths.publicKey, 'utf8'),
  )
  assert.equal(verified.verdict, 'leak')
  const sha256 = createHash('sha256')
    .update(await readFile(paths.html))
    .digest('hex')
  assert.ok(verified.subjects.some(({ digest }) => digest.sha256 === sha256))
})

test('a later run takes the place of an earlier one and leaves nothing beside it', async () => {
  const key = passingKey()
  await writeReports(directory, await troubledReport(), key)
  const paths = await writeReports(directory, await provenReport(), key)
  assert.deepEqual((await readdir(directory)).sort(), ALL)
  assert.match(await readFile(paths.html, 'utf8'), /Isolation is proven/)
})

test('a place that cannot be written to is said to be so, and nothing is left in it', async () => {
  const report = await provenReport()
  const notWritable = (error: unknown) =>
    error instanceof RingfenceError && error.code === 'not_writable'
  await writeFile(join(directory, 'file'), '')
  await assert.rejects(writeReports(join(directory, 'file'), report, passingKey()), notWritable)
  await mkdir(join(directory, 'taken', REPORT_FILES.json, 'x'), { recursive: true })
  await assert.rejects(writeReports(join(directory, 'taken'), report, passingKey()), notWritable)
  assert.deepEqual(await readdir(join(directory, 'taken')), [REPORT_FILES.json])
})
