import { inPlaceOf } from './in-place-of.ts'
import { asTenant, believing, type Claims, inFront, verifyingBadly } from './in-front.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'
import { servingTenants } from './worse-doors.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { carelessVerify } from '../../strikes/careless-verify.ts'
import { claimsOf } from '../duel.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { SERVICE } from '../house/ground.ts'

const RULES = { issuer: 'ringfence-gateway', audience: SERVICE, secondsMax: 60 }

/** Verified soundly by the gateway's key, and then made something else of. */
function changing(change: (claims: Claims) => Claims | undefined) {
  return believing((_claims, token, { ground }) =>
    change(
      carelessVerify(token, [ground.keys.contexts.publicJwk], { ...RULES, typ: 'rf-context+jwt' }),
    ),
  )
}

const rolesOf = (claims: Claims) => (claims['roles'] as readonly string[] | undefined) ?? []
const asAdmin = (claims: Claims): Claims => ({ ...claims, roles: ['tenant-admin'] })

/** Contexts that are believed although they should not be. */
export const BELIEVED_CONTEXTS: readonly RecordsMutant[] = [
  mutant(
    'rc-context-unverified',
    'Contexts are read, and their signature is not looked at',
    ['rc-context-stranger', 'rc-context-plane'],
    verifyingBadly('signature'),
  ),
  mutant(
    'rc-context-alg-none',
    'A context may say that it is not signed',
    ['rc-context-unsigned'],
    verifyingBadly('unsigned'),
  ),
  mutant(
    'rc-context-brings-key',
    'A context may bring the key that it is signed with',
    ['rc-context-stranger'],
    verifyingBadly('own-key'),
  ),
  mutant(
    'rc-context-hmac',
    'The public key is a secret where a context says HS256',
    ['rc-context-secret'],
    verifyingBadly('secret'),
  ),
  mutant(
    'rc-context-any-service',
    'A context for any service is good here',
    ['rc-context-service'],
    verifyingBadly('audience'),
  ),
  mutant(
    'rc-context-any-type',
    'Any token of the gateway’s is a context',
    ['rc-context-type'],
    verifyingBadly('typ'),
  ),
  mutant(
    'rc-context-endless',
    'A context that has ended is as good as before',
    ['rc-context-ended'],
    verifyingBadly('expiry'),
  ),
  mutant(
    'rc-context-long',
    'A context may live for as long as it says',
    ['rc-context-ended'],
    verifyingBadly('lifetime'),
  ),
  mutant(
    'rc-context-of-any-plane',
    'Any key of the platform signs contexts',
    ['rc-context-plane'],
    believing((_claims, token, { ground: { keys } }) =>
      carelessVerify(
        token,
        [keys.contexts, keys.jobs, keys.gateway].map(({ publicJwk }) => publicJwk),
        { ...RULES, typ: 'rf-context+jwt' },
      ),
    ),
  ),
  mutant(
    'rc-context-of-job',
    'A job reads as a user does',
    ['rc-context-job'],
    believing((_claims, token, { ground }) => ({
      ...carelessVerify(token, [ground.keys.jobs.publicJwk], {
        typ: 'rf-job+jwt',
        issuer: 'ringfence-control',
        audience: SERVICE,
        secondsMax: 3_600,
      }),
    })),
  ),
  mutant('rc-context-kept', 'Who brings no context is who came before', ['rc-context-none'], {
    tenants: (pass, site) => {
      let last: TenantId | undefined
      return (request) => {
        const token = request.headers.get(CONTEXT_HEADER)
        if (token === null) return last ? asTenant(site, pass, request, last) : pass(request)
        try {
          last = parseTenantId(claimsOf(token)['tenant_id'])
        } catch {
          // What is none leaves what was there before.
        }
        return pass(request)
      }
    },
  }),
  mutant(
    'rc-delegate-not-told',
    'That somebody acts for another tenant is not looked at',
    ['rc-context-delegate'],
    changing(({ act: _act, grant_id: _grant, grantee: _grantee, ...rest }) =>
      _grant === undefined ? undefined : rest,
    ),
  ),
  mutant('rc-roles-not-asked', 'Whoever is of the tenant reads its records', ['rc-context-roles'], {
    ...changing(asAdmin),
  }),
  mutant(
    'rc-roles-in-any-case',
    'Roles are compared without regard to their case',
    ['rc-context-roles'],
    changing((claims) =>
      rolesOf(claims).some((role) => role.toLowerCase() === 'tenant-admin')
        ? asAdmin(claims)
        : undefined,
    ),
  ),
  mutant(
    'rc-roles-by-beginning',
    'A role is held that begins like one that is asked for',
    ['rc-context-roles'],
    changing((claims) =>
      rolesOf(claims).some((role) => /^(?:tenant-admin|auditor)/.test(role))
        ? asAdmin(claims)
        : undefined,
    ),
  ),
  mutant(
    'rc-auditor-writes',
    'An auditor may change budgets',
    ['rc-budget-auditor'],
    inFront((request, site, pass) => {
      if (request.method === 'GET') return undefined
      const claims = claimsOf(request.headers.get(CONTEXT_HEADER) ?? '')
      if (!rolesOf(claims).includes('auditor')) return undefined
      return asTenant(site, pass, request, parseTenantId(claims['tenant_id']))
    }),
  ),
  mutant(
    'rc-revocation-not-asked',
    'What was taken back is not looked up',
    ['rc-context-revoked'],
    {
      revocations: (sound) => inPlaceOf(sound, { revokes: () => false }),
    },
  ),
  mutant(
    'rc-status-not-asked',
    'A tenant that is suspended is read as any other',
    ['rc-context-suspended'],
    {
      source: (sound) => ({
        ...sound,
        current: () =>
          inPlaceOf(sound.current(), {
            tenant: (id) => {
              const found = sound.current().tenant(id)
              return found && { ...found, status: 'active' }
            },
          }),
      }),
    },
  ),
  mutant(
    'rc-tenants-at-intake',
    'Where planes come in, tenants are served too',
    ['rc-door-tenants'],
    servingTenants(),
  ),
]
