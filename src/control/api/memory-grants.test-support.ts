import { randomBytes } from 'node:crypto'
import { grantSchema } from '../../contracts/grant.ts'
import { RingfenceError } from '../../core/errors.ts'
import { type GrantId, parseGrantId } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { GrantState, GrantView } from '../grants/grants.ts'
import { pageOf } from './memory-page.test-support.ts'
import type { MemoryState } from './memory-state.test-support.ts'

const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

export const GRANT_BODY = {
  grantee: 'globex',
  subject: 'kim',
  scopes: ['read'],
  apis: ['clinic'],
  actions: ['read'],
  resources: ['/patients'],
  not_before: at(-1),
  expires: at(7),
  bills: 'grantor',
}
const KEPT = { offered: idOf('o'), accepted: idOf('a'), refused: idOf('r'), revoked: idOf('v') }

function idOf(letter: string): GrantId {
  return parseGrantId(`gr-${letter.repeat(20)}`)
}

/** One call of each operation on grants that succeeds on a plane in memory. */
export const GRANT_CALLS: Readonly<Record<string, () => [string, { body?: object }]>> = {
  listGrants: () => ['/v1/grants', {}],
  getGrant: () => [`/v1/grants/${KEPT.offered}`, {}],
  listUsesOfGrant: () => [`/v1/grants/${KEPT.offered}/uses?limit=1`, {}],
  offerGrant: () => ['/v1/grants', { body: GRANT_BODY }],
  acceptGrant: () => [`/v1/grants/${KEPT.accepted}/acceptance`, { body: {} }],
  refuseGrant: () => [`/v1/grants/${KEPT.refused}/refusal`, { body: {} }],
  revokeGrant: () => [`/v1/grants/${KEPT.revoked}/revocation`, { body: {} }],
}

/** Grants in memory, whoever asks for them. */
export function memoryGrants(state: MemoryState): ControlPlane['grants'] {
  const known = new Map<string, GrantView>()
  const enter = (id: GrantId, offer: Omit<GrantView, 'id' | 'state' | 'events' | 'grantor'>) => {
    const event = { what: 'offered', at: new Date(), side: 'grantor', by: 'admin' } as const
    const grantor = parseTenantId('acme')
    const view: GrantView = { ...offer, id, grantor, state: 'offered', events: [event] }
    known.set(id, view)
    return view
  }
  const found = (id: GrantId) => {
    state.check()
    const view =
      known.get(id) ?? (Object.values(KEPT).includes(id) ? enter(id, example()) : undefined)
    if (view === undefined) throw new RingfenceError('not_found', 'there is no such grant')
    return view
  }
  const become = (id: GrantId, to: GrantState): GrantView => {
    const view = { ...found(id), state: to }
    known.set(id, view)
    return view
  }
  return {
    list: async () => {
      state.check()
      return [...known.values()]
    },
    get: async (id) => found(id),
    uses: async (id, page) => {
      found(id)
      const use = (token: string) => ({
        ...{ grant: id, side: 'grantor' as const, token, scopes: ['read'] },
        at: '2026-01-02T03:04:05.000Z',
      })
      return pageOf(['use-1', 'use-2'].map(use), ({ token }) => token, ['uses', id], page)
    },
    offer: async (offer) => {
      state.check()
      return enter(parseGrantId(`gr-${randomBytes(16).toString('hex')}`), offer)
    },
    accept: async (id) => become(id, 'active'),
    refuse: async (id) => become(id, 'refused'),
    revoke: async (id) => become(id, 'revoked'),
  }
}

function example(): Omit<GrantView, 'id' | 'state' | 'events' | 'grantor'> {
  const { not_before: notBefore, ...rest } = GRANT_BODY
  return grantSchema.omit({ id: true }).parse({ ...rest, notBefore })
}
