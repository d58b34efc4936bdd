import { createHash } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import { referenceOf } from '../../manifests/manifest.ts'
import type { Expected, ObjectView } from '../manifests/manifests.ts'
import { namesTag } from './entity-tag.ts'

/**
 * The strong entity tag of something declared as it is now. It is bound to its owner, kind, name and
 * life, so that the tag of another owner's, or of an earlier one of the same name, never matches.
 */
export function objectTag({ manifest, createdAt, generation, hash }: ObjectView): string {
  const { tenant = null, kind, name } = referenceOf(manifest)
  const text = JSON.stringify([tenant, kind, name, createdAt.getTime(), generation, hash])
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
}

/**
 * What the conditions of a change ask for (RFC 9110, section 13); undefined when there are none. The
 * control plane asks once more, in the transaction that makes the change.
 * @param read the thing as it is; undefined when it is not there
 * @throws RingfenceError `precondition_failed`
 */
export async function expectedBy(
  conditions: { readonly ifMatch: string | undefined; readonly ifNoneMatch: string | undefined },
  read: () => Promise<ObjectView | undefined>,
): Promise<Expected | undefined> {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*') {
      throw new RingfenceError('invalid_argument', 'If-None-Match of a change is *')
    }
    return 'absent'
  }
  if (ifMatch === undefined) return undefined
  const view = await read()
  if (view === undefined || !namesTag(ifMatch, objectTag(view), 'strong')) {
    throw new RingfenceError(
      'precondition_failed',
      'it has changed since it was read: read it again, then repeat the change',
    )
  }
  return { generation: view.generation, hash: view.hash }
}
