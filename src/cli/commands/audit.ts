import type { Command } from 'commander'
import { addAuditVerify } from '../audit-verify.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { addAuditLogs } from './audit-logs.ts'
import { addAuditRead } from './audit-read.ts'

export function addAudit(program: Command, console: Console, ending: Ending): void {
  const audit = program
    .command('audit')
    .description('Audit logs: what was done, in a tree of hashes that anybody can verify.')
  examples(audit, 'ringfence audit verify ./audit/acme --key acme.vkey')
  addAuditRead(audit, console)
  addAuditLogs(audit, console)
  addAuditVerify(audit, console, ending)
}
