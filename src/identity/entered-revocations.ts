import type { RevocationPublisher } from '../revocation/revocation.ts'
import { enter } from './entering.ts'

/** Publishes revocations, and enters each in the same transaction. */
export function enteredRevocations(publisher: RevocationPublisher): RevocationPublisher {
  return {
    async publish(rows, revocation) {
      await publisher.publish(rows, revocation)
      const { kind } = revocation
      const id = kind === 'everything' || kind === 'tenant' ? kind : revocation.id
      await enter(rows, kind === 'everything' ? undefined : revocation.tenant, {
        category: 'revocation',
        action: `${kind}.revoked`,
        object: { type: kind, id },
        decision: 'done',
      })
    },
  }
}
