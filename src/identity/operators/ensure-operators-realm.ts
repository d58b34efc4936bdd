import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { RealmAdministration } from '../realm-administration.ts'

/** A working day: whoever left the desk signs in again. */
const SESSION = { idleSeconds: 3_600, seconds: 12 * 3_600 } as const

/**
 * The operators' realm, made at the first call. Whoever signs in there has two factors, whatever was
 * set since: what one factor is enough for, the control API decides, and it is little.
 */
export async function ensureOperatorsRealm(
  realms: Pick<RealmAdministration, 'find' | 'ensure' | 'settings' | 'putSettings'>,
): Promise<void> {
  const there = await realms.find(OPERATORS_REALM)
  if (there === undefined) await realms.ensure(OPERATORS_REALM, 'Operators')
  const settings = await realms.settings(OPERATORS_REALM)
  if (settings.mfa === 'required') return
  await realms.putSettings(OPERATORS_REALM, { ...settings, mfa: 'required', session: SESSION })
}
