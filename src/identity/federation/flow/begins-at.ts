import { pathOf } from '../../pages/look/looks.ts'
import { INTERACTION_PATH, type RealmContext } from '../../provider/realm-context.ts'
import type { ConnectionId } from '../connection/connection-id.ts'

/** Where a sign-in by a connection begins, below the interaction that it is for. */
export function beginsAt(
  { issuer }: Pick<RealmContext, 'issuer'>,
  interaction: string,
  connection: ConnectionId,
): string {
  return `${pathOf(issuer)}${INTERACTION_PATH}/${interaction}/federation/${connection}`
}
