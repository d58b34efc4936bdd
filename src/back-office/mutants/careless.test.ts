import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { OPERATOR_SCOPES } from '../../control/control-plane.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { testNothingAmiss } from '../../strikes/rehearsal-tests.test-support.ts'
import { BACK_OFFICE_ATTACKS } from '../attacks/attacks.ts'
import { OPERATIONS } from '../attacks/scopes.ts'
import { openBackOfficeRehearsal } from '../back-office-rehearsal.ts'
import { Wire } from '../../strikes/wire.ts'
import { makeGround } from '../house/ground.ts'
import { Office } from '../house/office.ts'
import { SOUND } from '../house/pieces.ts'
import { CHIEF, openSite, type Site } from '../house/site.ts'
import { inspectOffice } from '../inspect/inspect-office.ts'
import { instead, worsePlane } from './office-mutant.ts'
import { carelessPeople } from './people.ts'
import { carelessWebhook } from './webhooks.ts'
import { carelessWorkloads } from './workloads.ts'

/** Attacks on what the careless pieces decide. */
const DECIDED = /^ca-(?:assertion|context|webhook|person)-/

testNothingAmiss('the careless pieces', {
  attacks: BACK_OFFICE_ATTACKS.filter(({ id }) => DECIDED.test(id)),
  open: openBackOfficeRehearsal,
  copy(opened) {
    const plane = worsePlane(({ jobs, approvals, operators }, site) => ({
      operators: instead(operators, { authenticate: carelessPeople(site) }),
      jobs: instead(jobs, { authenticate: carelessWorkloads(site.ground) }),
      approvals: instead(approvals, { receiveWebhook: carelessWebhook(site) }),
    }))
    return opened.copy({ ...SOUND, ...plane })
  },
})

describe('the operations that are attacked', () => {
  let site: Site
  let office: Office
  before(async () => {
    site = await openSite(await makeGround([parseTenantId('acme')]))
    office = await Office.open(site, SOUND)
  })
  after(async () => {
    await office.close()
    await site.close()
  })

  test('of an operator with every scope and no end are information for an inspection', async () => {
    await site.plane.operators.create({ name: 'mighty', scopes: OPERATOR_SCOPES }, CHIEF)
    const found = await inspectOffice(office.plane, office.settings)
    const told = found.map(({ rule, severity, object }) => [rule, severity, object])
    assert.deepEqual(told, [['ca-operator-all-powerful', 'info', 'operator mighty']])
    await site.plane.operators.revoke('mighty', CHIEF)
    assert.deepEqual(await inspectOffice(office.plane, office.settings), [])
  })

  test('are all that the document of the API has, each under the scope that it states', async () => {
    const { body } = await office.ask(new Wire(), 'GET', '/v1/openapi.json', { from: 'test' })
    const { paths } = JSON.parse(body) as {
      paths: Record<string, Record<string, { security?: { operator?: string[] }[] }>>
    }
    const stated = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { security = [] }]) =>
        security.flatMap(({ operator = [] }) =>
          operator.map((scope) => `${scope} ${method.toUpperCase()} ${path}`),
        ),
      ),
    )
    const things = { tenant: 'T', workflow: 'W', approval: 'A', lease: 'L', support: 'S' }
    const attacked = Object.entries(OPERATIONS).flatMap(([scope, calls]) =>
      calls(things).map(([method, path]) => `${scope} ${method} ${path}`),
    )
    const plain = (operation: string) =>
      operation
        .replace(/\/tenants\/(?:T|\{tenant\})/, '/tenants/*')
        .replace(/\/workflows\/(?:W|\{workflow\})/, '/workflows/*')
        .replace(/\/approvals\/(?:A|\{approval\})/, '/approvals/*')
        .replace(/\/leases\/(?:L|\{lease\})/, '/leases/*')
        .replace(/\/(workloads|cells|plans|operators|people|support)\/[^/]+/, '/$1/*')
        .replace(/\/objects\/[^/]+\/[^/]+/, '/objects/*/*')
        // What is in a realm.
        .replaceAll(/\/(?:somebody|\{\w+\})/g, '/*')
    assert.deepEqual(attacked.map(plain).toSorted(), stated.map(plain).toSorted())
  })
})
