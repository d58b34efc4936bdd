import type { RealmContext } from '../../provider/realm-context.ts'
import { type Look, lookOf } from './look.ts'

/** A context stands for one version of a realm's settings, so what it looks like does not change. */
const made = new WeakMap<RealmContext, Look>()

/** The look of a realm, made once for each version of its settings. */
export function looks(context: RealmContext): Look {
  let look = made.get(context)
  if (look === undefined) {
    look = lookOf(context.displayName, context.settings.theme, pathOf(context.issuer))
    made.set(context, look)
  }
  return look
}

/** The path of an issuer, without a slash at its end: '' on a domain of its own. */
export function pathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}
