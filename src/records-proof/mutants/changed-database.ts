import type { Site } from '../house/site.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

function granting(
  id: string,
  title: string,
  rights: readonly (readonly [grant: string, revoke: string])[],
  noticedBy = 'rc-plane-taken-over',
): RecordsMutant {
  return {
    ...mutant(id, title, [noticedBy], {}),
    change: async ({ admin }: Site) => {
      for (const [grant] of rights) await admin.query(grant)
      return async () => {
        for (const [, revoke] of rights) await admin.query(revoke)
      }
    },
  }
}

const right = (what: string, role: string) =>
  [`grant ${what} to ${role}`, `revoke ${what} from ${role}`] as const

/** Rights that somebody has given in haste. */
export const CHANGED_DATABASE: readonly RecordsMutant[] = [
  granting('rc-gateway-reads-usage', 'The gateway’s role reads usage, to refuse what is spent', [
    right('usage on schema usage', 'rf_gateway'),
    right('select on usage.rollup', 'rf_gateway'),
  ]),
  granting('rc-control-reads-logs', 'The control plane’s role reads logs, to show them', [
    right('usage on schema records', 'rf_control'),
    right('select on records.log_entry', 'rf_control'),
  ]),
  granting('rc-identity-empties-inbox', 'Who submits entries may take them back', [
    right('delete, select on audit.inbox', 'rf_identity'),
  ]),
  granting(
    'rc-gateway-restrains',
    'The gateway’s role restrains grants itself, to do it sooner',
    [
      right('usage on schema registry', 'rf_gateway'),
      right(
        'execute on function registry.enter_grant_restraint(text, text, text, int, timestamptz, text)',
        'rf_gateway',
      ),
    ],
    'rc-response-by-plane',
  ),
]
