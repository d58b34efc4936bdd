import type { AuditWriter } from '../audit/audit-writer.ts'
import { RingfenceError } from '../core/errors.ts'
import { parseApiName, parseContractName, parseUpstreamName } from '../core/names.ts'
import type { ApiConfig, ContractConfig } from '../contracts/contract.ts'
import type { GatewayAttack } from './attacks.test-support.ts'
import { type Door, tokenOf } from './door.test-support.ts'

/** A contract of one API of which so much is entered. */
export function enteredContract(audit: ApiConfig['audit']): ContractConfig {
  return {
    name: parseContractName('entered'),
    apis: [
      {
        name: parseApiName('clinic'),
        prefix: '/clinic',
        upstream: { of: 'platform', name: parseUpstreamName('clinic') },
        ...(audit === undefined ? {} : { audit }),
      },
    ],
  }
}

/** A disk that is full. */
export const FULL: AuditWriter = {
  write: () => Promise.reject(new RingfenceError('not_writable', 'the journal cannot be written')),
}

const through = (audit: ApiConfig['audit'], method: string) => async (door: Door) => {
  door.source.change('acme', { contract: enteredContract(audit) })
  await door.ask({ method, path: '/t/acme/clinic/x', token: tokenOf('acme') })
  return door.upstream.seen.length > 0
}

export const AUDIT_ATTACKS: readonly GatewayAttack[] = [
  {
    title: 'a request that must be entered, while the disk is full',
    against: 'entered-before',
    options: { audit: FULL },
    run: through('all', 'GET'),
  },
  {
    title: 'a write that must be entered, where there is no journal',
    against: 'entered-before',
    run: through('writes', 'POST'),
  },
]
