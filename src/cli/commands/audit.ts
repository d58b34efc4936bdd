import type { Command } from 'commander'
import { addAuditVerify } from '../audit-verify.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { addAuditDownload } from './audit-download.ts'
import { addAuditFollow } from './audit-follow.ts'
import { addAuditLogs } from './audit-logs.ts'
import { addAuditRead } from './audit-read.ts'

export function addAudit(program: Command, console: Console, ending: Ending): void {
  const audit = program
    .command('audit')
    .description('Audit logs: what was done, in a tree of hashes that anybody can verify.')
  examples(
    audit,
    'ringfence audit list --url https://acme.example --token env:TOKEN --decision denied',
    'ringfence audit download ./audit/acme --url https://acme.example --token env:TOKEN',
    'ringfence audit verify ./audit/acme --key acme.vkey',
  )
  addAuditRead(audit, console)
  addAuditFollow(audit, console)
  addAuditDownload(audit, console, ending)
  addAuditLogs(audit, console)
  addAuditVerify(audit, console, ending)
}
