import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Mutant, Rehearsal } from '../boundaries/boundary.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'

// The second begins with the first, so that whoever compares by prefix confuses the two.
const [A, B, C] = [parseTenantId('acme'), parseTenantId('acme-1'), parseTenantId('birch')]

type Attack = Parameters<Rehearsal['strike']>[0]

/** One part of the proof, and what is promised of it. */
export interface RehearsedPart {
  /** What it is called in titles: `the front door`. */
  readonly what: string
  /** What ids of its attacks and mutants begin with. */
  readonly prefix: string
  readonly attacks: readonly Attack[]
  readonly mutants: readonly Mutant[]
  /** So many there are at least. */
  readonly least: { readonly attacks: number; readonly mutants: number }
  /** What is in no report. */
  readonly secret: RegExp
  /** Default both. One way alone where attacks do not depend on who is whose prefix. */
  readonly ways?: 'one'
  open(tenants: readonly TenantId[]): Promise<Rehearsal>
}

export interface CarelessPieces<Opened extends Rehearsal> {
  readonly attacks: readonly Attack[]
  readonly open: (tenants: readonly TenantId[]) => Promise<Opened>
  /** With the careless pieces. Default: it is opened with them. */
  readonly copy?: (opened: Opened) => Promise<Rehearsal>
}

/**
 * Makes the tests of pieces that mutants make worse, as they are with nothing amiss: every attack is
 * denied, so that what one notices on a mutant is its one fault.
 */
export function testNothingAmiss<Opened extends Rehearsal>(
  what: string,
  { attacks, open, copy }: CarelessPieces<Opened>,
): void {
  describe(`${what} with nothing amiss`, () => {
    let opened: Opened
    let careless: Rehearsal
    before(async () => {
      opened = await open([A, B, C])
      careless = (await copy?.(opened)) ?? opened
    })
    after(async () => {
      if (careless !== opened) await careless.close()
      await opened.close()
    })

    for (const attack of attacks) {
      test(`${attack.id} is denied`, async () => {
        const { verdict, owner, outcome } = await careless.strike(attack, A, B)
        assert.equal(verdict, 'denied', `${owner} // ${outcome}`)
      })
    }
  })
}

/** Makes the tests of a part: attacks that must be denied, and mutants that they must notice. */
export function testRehearsal(part: RehearsedPart): void {
  const { what, attacks, mutants, least, secret } = part
  const ways = [[A, B] as const, ...(part.ways === 'one' ? [] : [[B, A] as const])]
  let rehearsal: Rehearsal

  before(async () => {
    rehearsal = await part.open([A, B, C])
  })
  after(() => rehearsal.close())

  const isAsItWas = async () => {
    assert.deepEqual(await rehearsal.canariesSeen(), [A, B, C])
    assert.deepEqual(await rehearsal.inspect(), [])
  }

  test('there are attacks and mutants enough, told apart by ids of their own', () => {
    assert.ok(attacks.length >= least.attacks)
    assert.ok(mutants.length >= least.mutants)
    const ids = [...attacks, ...mutants].map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    const form = new RegExp(`^${part.prefix}-[a-z0-9]+(-[a-z0-9]+)*$`)
    for (const id of ids) assert.match(id, form)
    for (const { title } of mutants) assert.match(title, /^[^\n]{8,100}$/)
  })

  test('of every attack a mutant is known on which it gets through', () => {
    const noticing = new Set(mutants.flatMap(({ noticedBy = [] }) => noticedBy))
    const others = attacks.filter(({ id }) => !noticing.has(id))
    assert.deepEqual(
      others.map(({ id }) => id),
      [],
    )
  })

  describe(`${what}, as built`, () => {
    test('shows the administrator the canaries of all tenants, and nothing to find', isAsItWas)

    for (const attack of attacks) {
      test(`${attack.id} reaches no other tenant`, async () => {
        for (const [attacker, victim] of ways) {
          const { verdict, owner, outcome } = await rehearsal.strike(attack, attacker, victim)
          assert.equal(verdict, 'denied', `${owner} // ${outcome}`)
          assert.doesNotMatch(`${owner} ${outcome}`, secret)
        }
      })
    }

    test('is after all attacks what it was', isAsItWas)
  })

  describe(`${what}, with one careless change`, () => {
    for (const mutant of mutants) {
      const { id, noticedBy = [] } = mutant
      const who = noticedBy.length > 0 ? noticedBy.join(', ') : 'an inspection'
      test(`${id} is noticed by ${who}`, async () => {
        const weakened = await rehearsal.weaken(mutant)
        try {
          assert.deepEqual(await weakened.canariesSeen(), [A, B, C])
          if (noticedBy.length === 0) {
            const wide = (await weakened.inspect()).filter(({ severity }) => severity !== 'info')
            assert.ok(wide.length > 0)
          }
          for (const name of noticedBy) {
            const attack = attacks.find((one) => one.id === name)
            assert.ok(attack, `no attack ${name}`)
            const { verdict, owner, outcome } = await weakened.strike(attack, A, B)
            assert.equal(verdict, 'leaked', `${owner} // ${outcome}`)
            assert.doesNotMatch(`${owner} ${outcome}`, secret)
          }
        } finally {
          await weakened.close()
        }
      })
    }
  })

  test(`${what}: after all mutants it is what it was`, isAsItWas)
}
