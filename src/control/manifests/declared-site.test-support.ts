import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { upstreamRule } from '../../contracts/upstream-rule.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  startControlSite,
} from '../control-site.test-support.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { COMPILER, plan, upstream } from './declared.test-support.ts'
import type { ApplyRequest } from './manifests.ts'

/** A control plane with two tenants whose plan lets their administrators declare. */
export interface DeclaredSite {
  readonly site: ControlSite
  readonly plane: OpenControlPlane
  readonly acme: TenantId
  readonly globex: TenantId
}

/** Opened before the tests of a file, and stopped after them. */
export function declaredSite() {
  let opened: DeclaredSite | undefined
  const here = (): DeclaredSite => {
    assert.ok(opened)
    return opened
  }
  const apply = (
    manifests: ApplyRequest['manifests'],
    more: Partial<ApplyRequest> = {},
    by = jane,
  ) => here().plane.manifests.apply({ manifests, ...more }, by)

  before(async () => {
    const site = await startControlSite()
    const plane = await site.open({
      judges: { policies: COMPILER, upstreams: upstreamRule({ ranges: ['10.9.0.0/16'] }) },
    })
    await fillCatalogue(plane)
    const [acme, globex] = [await onboarded(plane, 'acme'), await onboarded(plane, 'globex')]
    opened = { site, plane, acme, globex }
    await apply([upstream('records', 'http://records.internal')])
    const kinds = ['Contract', 'Guardrail', 'PolicyStore', 'Upstream']
    await apply([plan('standard', { selfService: kinds })])
  })
  after(() => opened?.site.stop())

  return {
    here,
    apply,
    changesOf: async (...args: Parameters<typeof apply>) =>
      (await apply(...args)).changes.map(
        ({ reference, change }) => `${reference.tenant ?? ''}/${reference.name} ${change}`,
      ),
    /** What gateways are told of a tenant. */
    served: async (tenant: string): Promise<TenantConfig | undefined> => {
      const [row] = await here().site.ask<{ config: TenantConfig }>(
        'select config from snapshot.tenant where id = $1',
        [tenant],
      )
      return row?.config
    },
  }
}

/** @returns the refusal */
export async function refused(work: Promise<unknown>, code: string): Promise<RingfenceError> {
  const error: unknown = await work.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof RingfenceError, String(error))
  assert.equal(error.code, code, error.message)
  return error
}

export const own = (tenant: string, url = 'https://crm.example.com') => upstream('crm', url, tenant)
