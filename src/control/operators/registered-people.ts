import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import { requireScope } from '../act.ts'
import { ActsElsewhere } from '../acts-elsewhere.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { FourEyes } from './four-eyes.ts'
import type { Invitation, OperatorAccounts, People, PersonView } from './people.ts'
import { knownRoles, mayDecide, OPERATOR_ROLES, type OperatorRole, widens } from './roles.ts'

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
  readonly #acts: ActsElsewhere

  constructor(parts: RegisteredPeopleParts) {
    this.#parts = parts
    this.#acts = new ActsElsewhere(parts.database)
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
    const made = await this.#acts.once(
      { by, action: 'person.invite', subject: email, detail: { displayName, roles } },
      {
        pass: (attempt) =>
          this.#parts.fourEyes.pass(
            by,
            {
              kind: 'operator-create',
              subject: email,
              summary: `invite ${email} as ${roles.join(', ')}`,
              detail: { displayName, roles },
            },
            attempt,
          ),
        carryOut: async () => ({ ...(await accounts.invite({ email, displayName, roles })) }),
      },
    )
    return personOf(made)
  }

  async setRoles(person: Subject, asked: readonly OperatorRole[], by: Actor): Promise<PersonView> {
    requireScope(by, 'operators:write')
    const roles = checkedRoles(asked)
    const changed = await this.#acts.once(
      { by, action: 'person.roles', subject: person, detail: { roles } },
      {
        pass: async (attempt) => {
          const before = await this.get(person)
          await this.#expectEnoughLeft(person, roles)
          if (!widens(before.roles, roles)) return undefined
          const was = before.roles.join(', ') || 'nothing'
          const summary = `let ${person} be ${roles.join(', ')}, who was ${was}`
          const act = {
            kind: 'operator-widen',
            subject: person,
            summary,
            detail: { roles },
          } as const
          return this.#parts.fourEyes.pass(by, act, attempt)
        },
        record: (tx) => this.#voidIssued(tx, person),
        carryOut: async () => {
          await this.#accounts().setRoles(person, roles)
          return { ...(await this.get(person)), roles }
        },
      },
    )
    return personOf(changed)
  }

  async remove(person: Subject, by: Actor): Promise<PersonView> {
    requireScope(by, 'operators:write')
    const removed = await this.#acts.once(
      { by, action: 'person.remove', subject: person, detail: {} },
      {
        pass: async ({ repeated }) => {
          // It may be gone already, without our having been told.
          if (!repeated) await this.get(person)
          await this.#expectEnoughLeft(person, [])
          return undefined
        },
        kept: async () => ({ was: await this.get(person) }),
        record: (tx) => this.#voidIssued(tx, person),
        carryOut: async ({ was }) => {
          await this.#accounts().remove(person)
          return { ...personOf(was), active: false }
        },
      },
    )
    return personOf(removed)
  }

  /**
   * What was issued with the roles before is void: it would live on for minutes. Once more in a repeat,
   * since what was issued until then had them too.
   */
  async #voidIssued(tx: Tx, id: Subject): Promise<void> {
    const { publisher } = this.#parts
    await publisher?.publish(tx, { kind: 'subject', tenant: OPERATORS_REALM, id, at: new Date() })
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

/** As the record keeps it: what there is not is left out there. */
const recordedPerson = z
  .object({
    subject: z.string().transform((text) => parseSubject(text)),
    email: z.string().optional(),
    displayName: z.string().optional(),
    roles: z.array(z.enum(OPERATOR_ROLES)),
    active: z.boolean(),
    createdAt: z.coerce.date(),
  })
  .transform((one) => ({ ...one, email: one.email, displayName: one.displayName }))

function personOf(recorded: unknown): PersonView {
  return recordedPerson.parse(recorded)
}
