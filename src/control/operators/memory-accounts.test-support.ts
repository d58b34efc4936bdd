import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import type { OperatorAccounts, PersonView } from './people.ts'

/** Accounts of an operators' realm that is a map. */
export class MemoryAccounts implements OperatorAccounts {
  readonly people = new Map<Subject, PersonView>()

  async list(): Promise<readonly PersonView[]> {
    return [...this.people.values()]
  }

  async invite({ email, displayName, roles }: Parameters<OperatorAccounts['invite']>[0]) {
    const known = [...this.people.values()].find((one) => one.email === email)
    if (known !== undefined) return known
    const subject = parseSubject(email.split('@')[0])
    const person = { subject, email, displayName, roles, active: true, createdAt: new Date() }
    this.people.set(subject, person)
    return person
  }

  async setRoles(person: Subject, roles: PersonView['roles']): Promise<void> {
    const before = this.people.get(person)
    if (before === undefined) throw new RingfenceError('not_found', 'no such account')
    this.people.set(person, { ...before, roles })
  }

  async remove(person: Subject): Promise<void> {
    this.people.delete(person)
  }
}
