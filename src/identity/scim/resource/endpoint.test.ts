import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../../../core/errors.ts'
import { parseTenantId } from '../../../core/tenant.ts'
import { GROUP_SCHEMA } from '../schema/group-schema.ts'
import { endpointOf } from './endpoint.ts'
import type { Dated } from './meta.ts'
import type { ResourceKind } from './resource-kind.ts'

const client = { tenant: parseTenantId('acme'), id: 't', emailsVerified: false }
const rename = {
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path: 'displayName', value: 'Crew' }],
}

/** A group that somebody else changes between reading and writing, so many times. */
function contested(times: number): { readonly kind: ResourceKind<Dated>; tries: number } {
  const moment = new Date(0)
  const state = {
    tries: 0,
    kind: {
      schema: GROUP_SCHEMA,
      find: async () => ({ version: state.tries, createdAt: moment, changedAt: moment }),
      select: () => ({ page: async () => ({ items: [], total: 0 }), rest: undefined }),
      show: (group: Dated) => ({ id: 'g', version: group.version }),
      documentOf: () => ({ displayName: 'Team' }),
      create: () => Promise.reject(new Error('not asked for')),
      async change(_client: unknown, before: Dated) {
        state.tries += 1
        if (state.tries <= times) throw new RingfenceError('precondition_failed', 'overtaken')
        return { ...before, version: before.version + 1 }
      },
      remove: () => Promise.reject(new Error('not asked for')),
    },
  }
  return state
}

test('a change without a version is made on what is there, however often that changes meanwhile', async () => {
  const state = contested(5)
  const { version } = await endpointOf(state.kind).patch(client, 'g', rename, undefined, '')
  assert.equal(version, 6)
})

test('a change without a version is given up in the end, and not as if it had named one', async () => {
  const state = contested(Number.POSITIVE_INFINITY)
  await assert.rejects(endpointOf(state.kind).patch(client, 'g', rename, undefined, ''), {
    code: 'overloaded',
  })
  assert.equal(state.tries, 8)
})

test('a change of a version is made of that one or not at all', async () => {
  const state = contested(1)
  const isFirst = (version: number) => version === 0
  await assert.rejects(endpointOf(state.kind).patch(client, 'g', rename, isFirst, ''), {
    code: 'precondition_failed',
  })
  assert.equal(state.tries, 1)
})
