import { budgetSchema } from '../../billing/budgets/budget.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { LAST_MONTH, THIS_MONTH } from '../house/furnish.ts'
import { ABSENT, BUDGET, READER, WRITER } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import {
  attackOf,
  eachOf,
  justMet,
  must,
  noneMay,
  type RecordsAttack,
  statusesOf,
} from './attack.ts'
import { PREVIEW, USAGE } from './reads.ts'

const read = attackOf('read')
const write = attackOf('write')
const existence = attackOf('existence')
const BILLING = '/ringfence/billing'
const ENDED = `${BILLING}/preview?period=${LAST_MONTH.id}`
const FORMS = ['', '/csv', '/pdf']
const JSON_BODY = ['content-type', 'application/json'] as const
const BUDGET_BODY = JSON.stringify({ kind: 'usage', meter: 'calls', amount: 9 })

const numberOf = (duel: Duel, { tenant }: Party) => duel.plane.site.numbers.get(tenant) ?? ''

/** The owner has its invoice in all forms. */
async function ownerHas(duel: Duel): Promise<string> {
  const context = await duel.context(duel.victim)
  for (const form of FORMS) {
    const target = `${BILLING}/invoices/${numberOf(duel, duel.victim)}${form}`
    const { status } = await duel.ownerSays('tenants', target, context)
    must(status === 200, `have its invoice${form}`)
  }
  return `the owner had its invoice in ${FORMS.length} forms`
}

async function ownerSees(
  duel: Duel,
  targets: string | readonly string[],
  canary: string,
): Promise<string> {
  const context = await duel.context(duel.victim)
  for (const target of typeof targets === 'string' ? [targets] : targets) {
    const { status, body } = await duel.ownerSays('tenants', target, context)
    must(status === 200 && body.includes(canary), `read ${target.split('?', 1)[0]}`)
  }
  return 'the owner read its own'
}

/** What a strike has removed is there again for the next. */
async function putBudgetsBack({ ground, plane }: Duel): Promise<void> {
  const { budgets } = plane.site.billing
  const budget = budgetSchema.parse({ kind: 'usage', meter: 'calls', amount: 1_000 })
  for (const { tenant, budgetCanary } of ground.parties) {
    const there = (await budgets.states(tenant)).map(({ name }) => name)
    for (const name of [BUDGET, budgetCanary]) {
      if (!there.includes(name)) await budgets.put(tenant, name, budget, 'proof')
    }
  }
}

const asOperator = (token: string) => ({ headers: [['authorization', `Bearer ${token}`] as const] })

export const BILLS: readonly RecordsAttack[] = [
  read(
    'rc-invoice-number',
    'Have the invoice of another tenant by its number, in every form',
    async (duel) => ({
      owner: await ownerHas(duel),
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const number = numberOf(duel, duel.victim)
        const targets = [number, number.toLowerCase(), `${number}%00`, `./${number}`].flatMap(
          (one) => FORMS.map((form) => `${BILLING}/invoices/${one}${form}`),
        )
        return noneMay(await eachOf(targets, (target) => duel.says('tenants', target, context)))
      },
    }),
  ),
  read(
    'rc-invoice-list',
    'List invoices before another tenant’s, and in its name',
    async (duel) => ({
      owner: await ownerSees(duel, `${BILLING}/invoices`, duel.victim.invoiceCanary),
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const number = numberOf(duel, duel.victim)
        const queries = ['', `?before=${number}`, `?limit=200`, `?tenant=${duel.victim.tenant}`]
        return justMet(
          await eachOf(queries, (query) =>
            duel.says('tenants', `${BILLING}/invoices${query}`, context),
          ),
        )
      },
    }),
  ),
  existence(
    'rc-invoice-exists',
    'Tell another tenant’s number from one that there is not',
    async (duel) => ({
      owner: await ownerHas(duel),
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const looks = async (number: string) => {
          const heard = await eachOf(FORMS, (form) =>
            duel.says('tenants', `${BILLING}/invoices/${number}${form}`, context),
          )
          return heard.map(({ status, body }) => `${status} ${body.replaceAll(number, '*')}`).join()
        }
        const alike = (await looks(numberOf(duel, duel.victim))) === (await looks('RP-999999'))
        return { crossed: !alike, met: alike ? 'answers that are alike' : 'answers that differ' }
      },
    }),
  ),
  read('rc-bill-preview', 'Have another tenant’s bill before it is sent', async (duel) => ({
    owner: await ownerSees(duel, [PREVIEW, ENDED], duel.victim.invoiceCanary),
    attempt: async () => {
      const context = await duel.context(duel.attacker)
      const targets = [
        PREVIEW,
        ENDED,
        `${PREVIEW}&tenant=${duel.victim.tenant}`,
        `${BILLING}/${duel.victim.tenant}/preview?period=${THIS_MONTH.id}`,
      ]
      return justMet(await eachOf(targets, (target) => duel.says('tenants', target, context)))
    },
  })),
  read('rc-usage-read', 'Read what another tenant used', async (duel) => ({
    owner: await ownerSees(duel, USAGE, duel.victim.usageCanary),
    attempt: async () => {
      const context = await duel.context(duel.attacker)
      const targets = [
        USAGE,
        USAGE.replace('window=whole', 'window=day'),
        `${USAGE}&tenant=${duel.victim.tenant}`,
        USAGE.replace('by=site', 'by=tenant,site'),
      ]
      return justMet(await eachOf(targets, (target) => duel.says('tenants', target, context)))
    },
  })),
  read('rc-budget-read', 'Read budgets of another tenant', async (duel) => ({
    owner: await ownerSees(duel, `${BILLING}/budgets`, duel.victim.budgetCanary),
    attempt: async () => {
      const context = await duel.context(duel.attacker)
      const targets = [`${BILLING}/budgets`, `${BILLING}/budgets/${duel.victim.budgetCanary}`]
      return justMet(await eachOf(targets, (target) => duel.says('tenants', target, context)))
    },
  })),
  write(
    'rc-budget-changed',
    'Change and remove a budget of another tenant by its name',
    async (duel) => ({
      owner: await ownerSees(duel, `${BILLING}/budgets`, duel.victim.budgetCanary),
      attempt: async () => {
        const { victim } = duel
        const context = await duel.context(duel.attacker)
        const heard: Heard[] = []
        const put = { method: 'PUT', headers: [JSON_BODY], body: BUDGET_BODY }
        // An answer repeats what it was told: the other name only goes.
        heard.push(await duel.says('tenants', `${BILLING}/budgets/${BUDGET}`, context, put))
        for (const name of [BUDGET, victim.budgetCanary]) {
          const target = `${BILLING}/budgets/${name}`
          heard.push(await duel.says('tenants', target, context, { method: 'DELETE' }))
        }
        duel.afterwards(() => putBudgetsBack(duel))
        return { crossed: false, met: statusesOf(heard) }
      },
    }),
  ),
  write('rc-budget-auditor', 'Change budgets as an auditor of the tenant', async (duel) => {
    const auditor = await duel.context(duel.victim, { roles: ['auditor'] })
    const { status } = await duel.ownerSays('tenants', `${BILLING}/budgets`, auditor)
    must(status === 200, 'read budgets as an auditor')
    return {
      owner: 'the auditor read the budgets',
      attempt: async () => {
        const target = `${BILLING}/budgets/${duel.victim.budgetCanary}`
        const put = { method: 'PUT', headers: [JSON_BODY], body: BUDGET_BODY }
        duel.afterwards(() => putBudgetsBack(duel))
        // The auditor is of the tenant: what it reads is its own.
        const heard = [
          await duel.ownerSays('tenants', target, auditor, put),
          await duel.ownerSays('tenants', target, auditor, { method: 'DELETE' }),
        ]
        return noneMay(heard)
      },
    }
  }),
  read('rc-operator-forged', 'Read everybody’s bills without an operator’s token', async (duel) => {
    const target = `/v1/billing/tenants/${duel.victim.tenant}/invoices`
    const { status } = await duel.ownerSays('intake', target, '', asOperator(READER))
    must(status === 200, 'read invoices as an operator')
    return {
      owner: 'the operator read the invoices',
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const targets = [
          target,
          `${target}/${numberOf(duel, duel.victim)}/pdf`,
          `/v1/billing/periods/${LAST_MONTH.id}/costs`,
          `/v1/billing/tenants/${duel.victim.tenant}/periods/${THIS_MONTH.id}/preview`,
        ]
        const heard: Heard[] = []
        for (const token of [
          '',
          'operator',
          context,
          await duel.assertion('clinic'),
          'operator-without',
        ]) {
          for (const one of targets) {
            heard.push(
              await duel.says('intake', one, context, token === '' ? {} : asOperator(token)),
            )
          }
        }
        return noneMay(heard)
      },
    }
  }),
  write('rc-operator-reader', 'Void an invoice as an operator who only reads', async (duel) => {
    const invoice = `/v1/billing/tenants/${duel.victim.tenant}/invoices/${numberOf(duel, duel.victim)}`
    const { status } = await duel.ownerSays(
      'intake',
      `${invoice}/recomputation`,
      '',
      asOperator(WRITER),
    )
    must(status === 200, 'compute an invoice again')
    return {
      owner: 'the operator computed the invoice again',
      attempt: async () => {
        const headers = [['authorization', `Bearer ${READER}`] as const, JSON_BODY]
        const post = { method: 'POST', headers, body: '{"reason":"proof","incomplete":true}' }
        const period = `/v1/billing/tenants/${duel.victim.tenant}/periods/${LAST_MONTH.id}`
        // Reasons that are too short are told after the scope: nothing is done in either case.
        const targets = [`${period}/invoices`, `${period}/reconciliation`, `${invoice}/void`]
        const heard = await eachOf(targets, (target) => duel.ownerSays('intake', target, '', post))
        return { crossed: heard.some((one) => one.status !== 403), met: statusesOf(heard) }
      },
    }
  }),
  existence('rc-operator-exists', 'Tell tenants by the operators’ answers', async (duel) => {
    const target = (name: string) => `/v1/billing/tenants/${name}/invoices`
    const { status } = await duel.ownerSays(
      'intake',
      target(duel.victim.tenant),
      '',
      asOperator(READER),
    )
    must(status === 200, 'read invoices as an operator')
    return {
      owner: 'the operator read the invoices',
      attempt: async () => {
        const [there, absent] = await eachOf([duel.victim.tenant, ABSENT], (name) =>
          duel.says('intake', target(name), '', asOperator('guessed')),
        )
        const alike = there?.status === absent?.status && there?.body === absent?.body
        return { crossed: !alike, met: alike ? 'answers that are alike' : 'answers that differ' }
      },
    }
  }),
]
