import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import { recordAct, requireScope } from '../act.ts'
import type { Actor } from '../control-plane.ts'
import type { Database } from '../database.ts'
import type { FourEyes } from './four-eyes.ts'
import type { Invitation, OperatorAccounts, People, PersonView } from './people.ts'
import { knownRoles, mayDecide, type OperatorRole, widens } from './roles.ts'

/** Four eyes need two who may decide. */
const DECIDING_MIN = 2
const EMAIL = /^[^\s@\p{Cc}]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?$/iu
const NAME = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,200}$/u

export interface RegisteredPeopleParts {
  readonly database: Database
  /** The identity plane, when there is one that keeps them. */
  readonly accounts: OperatorAccounts | undefined
  readonly fourEyes: FourEyes
  readonly publisher: RevocationPublisher | undefined
}

/** People of the operators' realm, changed by people with the right for it, and recorded. */
export class RegisteredPeople implements People {
  readonly #parts: RegisteredPeopleParts

  constructor(parts: RegisteredPeopleParts) {
    this.#parts = parts
  }

  list(): Promise<readonly PersonView[]> {
    return this.#accounts().list()
  }

  async get(person: Subject): Promise<PersonView> {
    const found = (await this.list()).find(({ subject }) => subject === person)
    if (found === undefined) throw new RingfenceError('not_found', 'no such operator')
    return found
  }

  async invite(invitation: Invitation, by: Actor): Promise<PersonView> {
    requireScope(by, 'operators:write')
    const { email, displayName } = invitation
    const roles = checkedRoles(invitation.roles)
    if (!EMAIL.test(email)) throw new RingfenceError('invalid_argument', 'that is no mail address')
    if (!NAME.test(displayName)) {
      throw new RingfenceError('invalid_argument', 'a name is one line of 1 to 200 characters')
    }
    const accounts = this.#accounts()
    const pass = await this.#parts.fourEyes.pass(by, {
      kind: 'operator-create',
      subject: email,
      summary: `invite ${email} as ${roles.join(', ')}`,
      detail: { displayName, roles },
    })
    await this.#parts.database.transaction(async (tx) => {
      await pass.use(tx)
      await recordAct(tx, by, 'person.invite', email, { displayName, roles })
    })
    return accounts.invite({ email, displayName, roles })
  }

  async setRoles(person: Subject, asked: readonly OperatorRole[], by: Actor): Promise<PersonView> {
    requireScope(by, 'operators:write')
    const roles = checkedRoles(asked)
    const before = await this.get(person)
    await this.#expectEnoughLeft(person, roles)
    const wider = widens(before.roles, roles)
    const pass = wider
      ? await this.#parts.fourEyes.pass(by, {
          kind: 'operator-widen',
          subject: person,
          summary: `let ${person} be ${roles.join(', ')}, who was ${before.roles.join(', ') || 'nothing'}`,
          detail: { roles },
        })
      : undefined
    await this.#change(by, 'person.roles', person, { roles }, async (tx) => pass?.use(tx))
    await this.#accounts().setRoles(person, roles)
    return { ...before, roles }
  }

  async remove(person: Subject, by: Actor): Promise<PersonView> {
    requireScope(by, 'operators:write')
    const before = await this.get(person)
    await this.#expectEnoughLeft(person, [])
    await this.#change(by, 'person.remove', person, {}, async () => {})
    await this.#accounts().remove(person)
    return { ...before, active: false }
  }

  /** What was issued with the roles before is void: it would live on for minutes. */
  async #change(
    by: Actor,
    action: string,
    person: Subject,
    detail: Readonly<Record<string, unknown>>,
    first: (tx: Parameters<Parameters<Database['transaction']>[0]>[0]) => Promise<unknown>,
  ): Promise<void> {
    const { database, publisher } = this.#parts
    await database.transaction(async (tx) => {
      await first(tx)
      await recordAct(tx, by, action, person, detail)
      const at = new Date()
      await publisher?.publish(tx, { kind: 'subject', tenant: OPERATORS_REALM, id: person, at })
    })
  }

  async #expectEnoughLeft(person: Subject, roles: readonly OperatorRole[]): Promise<void> {
    if (mayDecide(roles) || (await this.#parts.fourEyes.inForceSince()) === undefined) return
    const others = (await this.list()).filter(
      (one) => one.active && one.subject !== person && mayDecide(one.roles),
    )
    if (others.length >= DECIDING_MIN) return
    throw new RingfenceError('conflict', 'then fewer than two would be left who may decide')
  }

  #accounts(): OperatorAccounts {
    const { accounts } = this.#parts
    if (accounts !== undefined) return accounts
    throw new RingfenceError('engine_unavailable', 'no identity plane is connected')
  }
}

function checkedRoles(roles: readonly OperatorRole[]): readonly OperatorRole[] {
  const known = knownRoles(roles)
  if (known.length > 0 && known.length === new Set(roles).size) return known
  throw new RingfenceError(
    'invalid_argument',
    'an operator has one role or more of those there are',
  )
}
