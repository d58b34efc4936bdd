import { randomUUID } from 'node:crypto'
import {
  type Actor,
  type ControlPlane,
  OPERATOR_SCOPES,
  type OperatorScope,
} from '../../control/control-plane.ts'
import { isOperatorToken } from '../../control/operators/operator-token.ts'
import { TWO_FACTORS } from '../../control/operators/operators-realm.ts'
import { knownRoles, READING_SCOPES, scopesOfRoles } from '../../control/operators/roles.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { type Carelessness, carelessVerify } from '../../strikes/careless-verify.ts'
import { ASSERTION_AUDIENCE } from '../house/ground.ts'
import type { Site } from '../house/site.ts'
import { issuerOf } from '../house/world.ts'
import { instead, mutant, type OfficeMutant, worsePlane } from './office-mutant.ts'

const ACCESS_TOKEN = 'at+jwt'
const SECONDS_MAX = 900

/** What somebody forgot about people who sign in. */
interface Amiss {
  readonly verify?: Carelessness
  /** Every realm is as good as the operators’ own. */
  readonly anyRealm?: boolean
  readonly roles?: 'not-asked' | 'as-the-token-says'
  readonly factors?: boolean
  readonly revoked?: boolean
  readonly standsIn?: boolean
}

/**
 * Who presents a token of the operators' realm, as somebody wrote it again with one thing amiss, or
 * none.
 */
export function carelessPeople(
  { ground, revoked, plane }: Site,
  amiss: Amiss = {},
): ControlPlane['operators']['authenticate'] {
  return async (token, requestId) => {
    if (isOperatorToken(token)) return plane.operators.authenticate(token, requestId)
    try {
      const claims = claimsOf(token, ground, amiss)
      const { sub, sid, acr, act, cnf, tenant_id } = claims
      const known = amiss.anyRealm === true || tenant_id === OPERATORS_REALM
      const alone = amiss.standsIn === true || (act === undefined && cnf === undefined)
      const live = amiss.revoked === true || !revoked.has(String(sid))
      if (!known || !alone || !live) throw new TypeError('refused')
      const person = parseSubject(sub)
      const twoFactors = amiss.factors === true || acr === TWO_FACTORS
      const scopes = scopesOf(claims, twoFactors, amiss)
      const signedIn = { roles: rolesOf(claims), twoFactors, beyond: [] }
      return { kind: 'operator', name: `person:${person}`, scopes, requestId, person, signedIn }
    } catch (cause) {
      throw new RingfenceError('not_authenticated', 'the token is not valid', { cause })
    }
  }
}

type Claims = Readonly<Record<string, unknown>>

function claimsOf(token: string, { keys }: Site['ground'], amiss: Amiss): Claims {
  const rules = {
    typ: ACCESS_TOKEN,
    issuer: issuerOf(OPERATORS_REALM),
    audience: ASSERTION_AUDIENCE,
    secondsMax: SECONDS_MAX,
  }
  const own = [keys.operators.publicJwk]
  return amiss.anyRealm === true
    ? carelessVerify(token, [...own, keys.realm.publicJwk], rules, 'issuer')
    : carelessVerify(token, own, rules, amiss.verify)
}

function rolesOf({ roles }: Claims) {
  return knownRoles(Array.isArray(roles) ? roles.map(String) : [])
}

function scopesOf(claims: Claims, twoFactors: boolean, amiss: Amiss): readonly OperatorScope[] {
  if (amiss.roles === 'not-asked') return OPERATOR_SCOPES
  const said = amiss.roles === 'as-the-token-says' ? String(claims['scope']).split(' ') : []
  const granted = scopesOfRoles(rolesOf(claims))
  const all = OPERATOR_SCOPES.filter((scope) => said.includes(scope) || granted.includes(scope))
  return twoFactors ? all : all.filter((scope) => READING_SCOPES.includes(scope))
}

function people(id: string, title: string, noticedBy: string, amiss: Amiss): OfficeMutant {
  return mutant(
    id,
    title,
    [noticedBy],
    worsePlane(({ operators }, site) => ({
      operators: instead(operators, { authenticate: carelessPeople(site, amiss) }),
    })),
  )
}

const asSystem = (by: Actor): Actor => ({ ...by, kind: 'system' })

/** Whether a second person has ever approved something of this kind for somebody. */
async function everApproved({ database }: Site, kind: string, by: Actor): Promise<boolean> {
  const rows = await database.query(
    `select from registry.approval where kind = $1 and requested_person = $2
        and state = 'approved' limit 1`,
    [kind, by.person],
  )
  return rows.length > 0
}

/** Decides as somebody else than it is. */
const disguised = ({ person, ...by }: Actor): Actor => ({
  ...by,
  name: `as-${by.name}`,
  person: parseSubject(`as-${person ?? by.name}`),
  signedIn: { roles: ['approver'], twoFactors: true, beyond: [] },
})

export const PEOPLE_MUTANTS: readonly OfficeMutant[] = [
  people('ca-roles-not-asked', 'Whoever signs in may do everything', 'ca-person-viewer-acts', {
    roles: 'not-asked',
  }),
  people(
    'ca-scopes-of-the-token',
    'What a token says of scopes is believed beside the roles',
    'ca-person-viewer-acts',
    { roles: 'as-the-token-says' },
  ),
  people(
    'ca-one-factor-enough',
    'How somebody signed in is not looked at',
    'ca-person-one-factor',
    {
      factors: true,
    },
  ),
  people(
    'ca-any-realm',
    'Tokens of every realm that is known are operators’',
    'ca-person-of-tenant-realm',
    { anyRealm: true },
  ),
  people(
    'ca-person-audience-ignored',
    'For whom an operator’s token is, is not looked at',
    'ca-person-other-audience',
    { verify: 'audience' },
  ),
  people(
    'ca-person-without-end',
    'When an operator’s token ends is not looked at',
    'ca-person-expired',
    { verify: 'expiry' },
  ),
  people(
    'ca-person-unsigned',
    'A token of an operator may be signed by nobody',
    'ca-person-forged',
    { verify: 'unsigned' },
  ),
  people('ca-person-not-verified', 'A token of an operator is only read', 'ca-person-forged', {
    verify: 'signature',
  }),
  people(
    'ca-person-represented',
    'Whoever acts for an operator is the operator',
    'ca-person-stands-in',
    { standsIn: true },
  ),
  people(
    'ca-person-revocations-ignored',
    'Nobody asks whether an operator’s session was ended',
    'ca-person-revoked',
    { revoked: true },
  ),
  mutant(
    'ca-reserved-name-bent',
    'A tenant that is called as the operators’ realm gets a name like it',
    ['ca-operators-realm-onboarded'],
    worsePlane(({ tenants }) => ({
      tenants: instead(tenants, {
        create: (request, by) => {
          const id = parseTenantId(`${OPERATORS_REALM}-${randomUUID().slice(0, 6)}`)
          return tenants.create(request.id === OPERATORS_REALM ? { ...request, id } : request, by)
        },
      }),
    })),
  ),
  mutant(
    'ca-four-eyes-shut',
    'Who may make operators makes them alone',
    ['ca-four-eyes-alone'],
    worsePlane(({ operators }) => ({
      operators: instead(operators, {
        // The first call of a strike shows that a second person is asked: this is the next one.
        create: async (made, by) => {
          try {
            return await operators.create(made, by)
          } catch (error) {
            if (!(await askedBefore(made.name))) throw error
            return operators.create(made, asSystem(by))
          }
        },
      }),
    })),
  ),
  mutant(
    'ca-person-by-credential',
    'Two credentials are two people',
    ['ca-four-eyes-self', 'ca-support-self-approved'],
    worsePlane(({ approvals }) => ({
      approvals: instead(approvals, {
        decide: (id, approve, comment, by) => approvals.decide(id, approve, comment, disguised(by)),
      }),
    })),
  ),
  mutant(
    'ca-anybody-is-second',
    'Whoever has the scope is a second person, however it came in',
    ['ca-four-eyes-by-token'],
    worsePlane(({ approvals }) => ({
      approvals: instead(approvals, {
        decide: (id, approve, comment, by) =>
          approvals.decide(id, approve, comment, {
            ...by,
            person: by.person ?? parseSubject(by.name),
            signedIn: { roles: ['approver'], twoFactors: true, beyond: [] },
          }),
      }),
    })),
  ),
  mutant(
    'ca-approval-for-all',
    'Who was approved once to make an operator may make another',
    ['ca-four-eyes-other-act'],
    worsePlane(({ operators }, site) => ({
      operators: instead(operators, {
        create: async (made, by) => {
          const free = await everApproved(site, 'operator-create', by)
          return operators.create(made, free ? asSystem(by) : by)
        },
      }),
    })),
  ),
  mutant(
    'ca-approval-stays-good',
    'An approval is good for as long as it is remembered',
    ['ca-four-eyes-twice'],
    worsePlane(({ security }, site) => ({
      security: instead(security, {
        replaceKeys: async (tenant, compromised, by) => {
          const free = await everApproved(site, 'keys-replace', by)
          return security.replaceKeys(tenant, compromised, free ? asSystem(by) : by)
        },
      }),
    })),
  ),
]

/** Names that somebody has asked for. */
const asked = new Set<string>()
async function askedBefore(name: string): Promise<boolean> {
  if (asked.has(name)) return true
  asked.add(name)
  return false
}
