import { parseSubject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import { type Access, signAccessToken } from '../../tokens/access-token.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import type { Actor } from '../control-plane.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import type { Ports } from '../ports.ts'
import { TWO_FACTORS } from './operators-realm.ts'
import type { OperatorRole } from './roles.ts'

export const OPERATORS_ISSUER = 'https://id.example.test/realms/ringfence-operators'
const AUDIENCE = 'urn:ringfence:control'
export const ONE_FACTOR = 'urn:ringfence:acr:1'

export interface SignInOptions {
  readonly acr?: string
  readonly key?: SigningKey
  readonly issuer?: string
  readonly audience?: string
  readonly access?: Partial<Access>
  readonly seconds?: number
}

/** An operators' realm of which the test has the keys. */
export interface TestOperatorsRealm {
  readonly key: SigningKey
  /** How often it was asked for its keys. */
  readonly asked: () => number
  /** Takes the place of all keys. */
  replaceKey(): Promise<SigningKey>
  /** Ports on which the operators' realm is this one, and all others are as they were. */
  portsOn(ports: Ports): Ports
  token(subject: string, roles: readonly OperatorRole[], options?: SignInOptions): Promise<string>
  /** The person as the plane knows it after a sign-in with two factors. */
  person(plane: OpenControlPlane, subject: string, ...roles: OperatorRole[]): Promise<Actor>
}

export async function testOperatorsRealm(): Promise<TestOperatorsRealm> {
  let key = await SigningKey.create('ES256')
  let asked = 0
  const token: TestOperatorsRealm['token'] = (subject, roles, options = {}) =>
    signAccessToken(
      options.key ?? key,
      { issuer: options.issuer ?? OPERATORS_ISSUER, audience: options.audience ?? AUDIENCE },
      {
        tenant: OPERATORS_REALM,
        subject: parseSubject(subject),
        client: 'ringfence-cli',
        scopes: [],
        roles,
        session: `session-of-${subject}`,
        acr: options.acr ?? TWO_FACTORS,
        ...options.access,
      },
      options.seconds,
    )
  return {
    get key() {
      return key
    },
    asked: () => asked,
    async replaceKey() {
      key = await SigningKey.create('ES256')
      return key
    },
    portsOn: (ports) => ({
      ...ports,
      realms: {
        ensure: async (tenant, name) => {
          if (tenant !== OPERATORS_REALM) return ports.realms.ensure(tenant, name)
          asked += 1
          return { issuer: OPERATORS_ISSUER, keys: [key.publicJwk] }
        },
        find: (tenant) => ports.realms.find(tenant),
        setOpen: (tenant, open) => ports.realms.setOpen(tenant, open),
        remove: (tenant) => ports.realms.remove(tenant),
        rotateKeys: (tenant, compromised) => ports.realms.rotateKeys(tenant, compromised),
      },
    }),
    token,
    person: async (plane, subject, ...roles) =>
      plane.operators.authenticate(await token(subject, roles), `request-of-${subject}`),
  }
}
