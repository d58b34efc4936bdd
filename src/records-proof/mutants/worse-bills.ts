import { RingfenceError } from '../../core/errors.ts'
import { problemResponse } from '../../http/problem.ts'
import type { Draft } from '../../billing/invoices/invoice.ts'
import type { Pieces } from '../house/pieces.ts'
import { inFront, inFrontOfIntake } from './in-front.ts'
import { inPlaceOf } from './in-place-of.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

const OPERATOR = { name: 'operator' }

/** Keeps what it computed once under what was asked, without whose it is. */
function sharedPreviews(): Pick<Pieces, 'invoices'> {
  return {
    invoices: (sound) => {
      const kept = new Map<string, readonly Draft[]>()
      return inPlaceOf(sound, {
        async preview(tenant, period) {
          if (period.to > new Date()) return sound.preview(tenant, period)
          const found = kept.get(period.id) ?? (await sound.preview(tenant, period))
          kept.set(period.id, found)
          return found
        },
      })
    },
  }
}

/** What is billed with less care. */
export const WORSE_BILLS: readonly RecordsMutant[] = [
  mutant('rc-invoice-by-number', 'An invoice is found by its number alone', ['rc-invoice-number'], {
    invoices: (sound, { numbers, ground }) =>
      inPlaceOf(sound, {
        get: (tenant, number, since) => {
          const whose = ground.parties.find((one) => numbers.get(one.tenant) === number)
          return sound.get(whose?.tenant ?? tenant, number, since)
        },
      }),
  }),
  mutant(
    'rc-invoice-pages',
    'The page that follows an invoice is the next of everybody’s',
    ['rc-invoice-list'],
    {
      invoices: (sound, { ground }) =>
        inPlaceOf(sound, {
          async list(tenant, asked) {
            if (asked.before === undefined) return sound.list(tenant, asked)
            const { before: _before, ...rest } = asked
            const all = await Promise.all(ground.parties.map((one) => sound.list(one.tenant, rest)))
            return all.flat()
          },
        }),
    },
  ),
  mutant(
    'rc-invoice-forbidden',
    'An invoice of another tenant is refused in other words than one that there is not',
    ['rc-invoice-exists'],
    inFront((request, { numbers }, pass) => {
      const [, number] = /\/invoices\/([A-Z0-9-]+)/.exec(request.url) ?? []
      if (![...numbers.values()].some((one) => one === number)) return undefined
      return (async () => {
        const answer = await pass(request)
        if (answer.status !== 404) return answer
        return problemResponse(new RingfenceError('forbidden', 'not an invoice of yours'))
      })()
    }),
  ),
  mutant(
    'rc-previews-shared',
    'Previews of months that have ended are kept, whoever’s they are',
    ['rc-bill-preview'],
    sharedPreviews(),
  ),
  mutant('rc-readings-together', 'Readings are by meter, and not by tenant', ['rc-usage-read'], {
    readings: (sound, { ground }) =>
      inPlaceOf(sound, {
        async read(asked) {
          const all = await Promise.all(
            ground.parties.map(({ tenant }) => sound.read({ ...asked, tenant })),
          )
          return all.flat()
        },
      }),
  }),
  mutant('rc-budgets-together', 'Budgets of all tenants are listed', ['rc-budget-read'], {
    budgets: (sound, { ground }) =>
      inPlaceOf(sound, {
        async states() {
          const all = await Promise.all(ground.parties.map(({ tenant }) => sound.states(tenant)))
          return all.flat()
        },
      }),
  }),
  mutant(
    'rc-budget-by-name',
    'A budget is removed by its name, whoever’s it is',
    ['rc-budget-changed'],
    {
      budgets: (sound, { ground }) =>
        inPlaceOf(sound, {
          async remove(_tenant, name) {
            for (const { tenant } of ground.parties) await sound.remove(tenant, name)
          },
        }),
    },
  ),
  mutant('rc-operator-any-token', 'Whoever has a token is an operator', ['rc-operator-forged'], {
    operators: (sound) => (headers, act) =>
      headers.has('authorization') ? Promise.resolve(OPERATOR) : sound(headers, act),
  }),
  mutant(
    'rc-operator-any-scope',
    'What an operator may is not looked at',
    ['rc-operator-reader', 'rc-response-ended'],
    {
      operators: (sound) => (headers) => sound(headers, 'read'),
    },
  ),
  mutant(
    'rc-operator-late',
    'Whether there is such a tenant is looked at before who asks',
    ['rc-operator-exists'],
    inFrontOfIntake((request, { ground }) => {
      const [, name] = /\/v1\/billing\/tenants\/([^/]+)/.exec(request.url) ?? []
      const isThere = ground.parties.some(({ tenant }) => tenant === name)
      if (name === undefined || isThere) return undefined
      return Promise.resolve(problemResponse(new RingfenceError('not_found', 'no such tenant')))
    }),
  ),
]
