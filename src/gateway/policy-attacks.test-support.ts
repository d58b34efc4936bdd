import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PolicyStoreConfig } from '../contracts/policy-store.ts'
import type { GatewayAttack } from './attacks.test-support.ts'
import { type Door, tokenOf } from './door.test-support.ts'

const FIXTURES = join(import.meta.dirname, '..', 'policy', 'fixtures')

/** Compiled from `admins.rego` beside it: whoever has the role admin, and nobody else. */
export const ADMINS_BUNDLE = readFileSync(join(FIXTURES, 'admins.tar.gz')).toString('base64')

export const storeOf = (
  policies: Readonly<Record<string, string>>,
  more: Partial<PolicyStoreConfig> = {},
): PolicyStoreConfig => ({
  version: 1,
  policies: Object.entries(policies).map(([id, text]) => ({ id, text })),
  ...more,
})

export const ALL = 'permit(principal, action, resource);'

const PATH = '/t/acme/clinic/x'

/** A request that a tenant's policies, or the platform's, are against. */
function asked(
  against: string,
  title: string,
  prepare: (door: Door) => void,
  { method = 'GET', claims = {} }: { readonly method?: string; readonly claims?: object } = {},
): GatewayAttack {
  return {
    title,
    against,
    async run(door) {
      prepare(door)
      await door.ask({ method, path: PATH, token: tokenOf('acme', { ...claims }) })
      return door.upstream.seen.length > 0
    },
  }
}

export const POLICY_ATTACKS: readonly GatewayAttack[] = [
  asked('scope-of-the-method', 'a write with a token that may only read', () => undefined, {
    method: 'DELETE',
    claims: { scope: 'read' },
  }),
  asked('scope-of-the-method', 'a read with a token that may only write', () => undefined, {
    claims: { scope: 'write' },
  }),
  asked('platform-policies', 'what the platform forbids and the tenant permits', ({ source }) => {
    source.platform({
      policies: [{ id: 'no-clinic', text: 'forbid(principal, action, resource is Api);' }],
    })
    source.change('acme', { policy: storeOf({ all: ALL }) })
  }),
  asked('platform-policies', 'a platform whose policies cannot be read', ({ source }) => {
    source.platform({ policies: [{ id: 'broken', text: 'forbid(' }] })
  }),
  asked('policies', 'what no policy of the tenant permits', ({ source }) => {
    source.change('acme', {
      policy: storeOf({
        doctors: 'permit(principal in Role::"acme/doctor", action, resource);',
      }),
    })
  }),
  asked('policies', 'a store that cannot be read', ({ source }) => {
    source.change('acme', { policy: storeOf({ all: ALL, broken: 'forbid(' }) })
  }),
  asked('policies', 'a forbid that cannot be evaluated', ({ source }) => {
    source.change('acme', {
      policy: storeOf({
        all: ALL,
        unknown: 'forbid(principal, action, resource) when { principal.clearance < 3 };',
      }),
    })
  }),
  asked(
    'rego',
    'what a bundle of Rego does not allow',
    ({ source }) => {
      source.change('acme', { policy: storeOf({ all: ALL }, { rego: ADMINS_BUNDLE }) })
    },
    { claims: { roles: ['nurse'] } },
  ),
]
