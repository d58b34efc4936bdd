import type { RealmOperation } from '../../administration/operation.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { GuardedAct } from '../operators/guarded-acts.ts'
import { recordedDetail } from './recorded-detail.ts'

type Input = Readonly<Record<string, unknown>>

/** Never shown, not even to whoever decides. */
const SECRETS: ReadonlySet<string> = new Set(['client_secret'])

/** The act of letting somebody into a realm; undefined for what lets nobody in. */
export function realmAccess(
  name: string,
  operation: RealmOperation,
  tenant: TenantId,
  input: Input,
): GuardedAct | undefined {
  const { act, opens } = operation
  if (act === undefined || opens === undefined) return undefined
  if (opens !== true && !opens(input)) return undefined
  const recorded = recordedDetail(operation, input)
  return {
    kind: 'realm-access',
    tenant,
    subject: tenant,
    summary: `${act} in ${tenant} ${JSON.stringify(recorded)}`,
    detail: { operation: name, input },
    names: namesIn(operation, input),
  }
}

/** What whoever decides has to see, and the record does not keep. */
function namesIn({ recorded = [] }: RealmOperation, input: Input): string | undefined {
  const shown = Object.entries(input)
    .filter(([name, value]) => value !== undefined && !recorded.includes(name))
    .map(([name, value]) => [name, SECRETS.has(name) ? 'given' : value])
  return shown.length === 0 ? undefined : JSON.stringify(Object.fromEntries(shown))
}
