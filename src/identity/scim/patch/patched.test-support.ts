import type { Document } from '../resource/document.ts'
import { GROUP_SCHEMA } from '../schema/group-schema.ts'
import { USER_SCHEMA } from '../schema/user-schema.ts'
import { applyPatch } from './apply-patch.ts'
import { readPatch } from './patch-request.ts'

export const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const ANA: Document = {
  userName: 'ana',
  displayName: 'Ana',
  name: { givenName: 'Ana', familyName: 'A' },
  emails: [{ value: 'ana@x.example', type: 'work', primary: true }],
  active: true,
}
export const TEAM: Document = { displayName: 'Team', members: members('u1', 'u2') }

/** The document after a patch of these operations. */
export function patched(document: Document, ...Operations: readonly unknown[]): Document {
  const schema = 'userName' in document ? USER_SCHEMA : GROUP_SCHEMA
  return applyPatch(document, readPatch(schema, 'id-1', { schemas: [PATCH], Operations }))
}

export function members(...ids: readonly string[]) {
  return ids.map((value) => ({ value }))
}
