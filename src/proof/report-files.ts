/** What the reports of a run are called, in the directory that they are written to. */
export const REPORT_FILES = {
  json: 'report.json',
  junit: 'junit.xml',
  sarif: 'results.sarif',
  html: 'report.html',
  evidence: 'evidence.dsse.json',
  publicKey: 'evidence.pub',
} as const

export type ReportFile = keyof typeof REPORT_FILES

/** What an auditor types, in that directory, with nothing but the two files it names. */
export const VERIFY_COMMAND = `ringfence evidence verify ${REPORT_FILES.evidence} --key ${REPORT_FILES.publicKey}`
