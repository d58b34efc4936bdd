import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Erasure } from '../../boundaries/boundary.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { TENANT_STATUSES } from '../control-plane.ts'
import { RECEIPT_PAYLOAD_TYPE, receiptStatement } from '../receipt.ts'
import { changeRecordStep } from './approval-steps.ts'
import type { Definition, Step, Work } from './definition.ts'
import { refuseResidue } from './erasure.ts'
import { exportStep } from './export.ts'
import { smokeEverywhere } from './smoke.ts'
import { closeRealmStep, closeStep, revokeStep } from './suspension.ts'

export const offboardInput = z.object({
  purge: z.boolean(),
  why: z.string(),
  /** The status that a cancel goes back to. */
  before: z.enum(TENANT_STATUSES),
})

const countsSchema = z.object({ count: z.number() })
const erasuresSchema = z.array(
  z.object({
    engine: z.string(),
    erasure: z.object({
      tenant: parsed(parseTenantId),
      erasedAt: z.coerce.date(),
      deleted: z.array(countsSchema.extend({ item: z.string() })),
      probes: z.array(z.object({ place: z.string(), found: z.number() })),
      notCovered: z.array(z.string()),
    }),
  }),
)
const exportSchema = z.object({
  manifests: z.array(
    z.object({
      tenant: parsed(parseTenantId),
      engine: z.string(),
      exportedAt: z.coerce.date(),
      items: z.array(
        countsSchema.extend({ item: z.string(), bytes: z.number(), sha256: z.string() }),
      ),
    }),
  ),
})

/** The tenant may change its mind; nobody waits in a process for it. */
const grace: Step = {
  run: async ({ database, workflow, graceSeconds }) => {
    // Read anew: a purge shortens a grace period that runs.
    const [row] = await database.query<{ purge: boolean; ends: Date; over: boolean }>(
      `select (input ->> 'purge')::boolean as purge, ends, ends <= clock_timestamp() as over
         from registry.workflow
         cross join lateral (select started_at + make_interval(secs => $2) as ends) as period
        where id = $1`,
      [workflow.id, graceSeconds],
    )
    if (row === undefined) throw new RingfenceError('internal', 'the workflow is not there')
    if (row.purge) return { note: 'no grace period' }
    if (row.over) return { note: 'the grace period is over' }
    return { waitUntil: row.ends, note: `its data is kept until ${row.ends.toISOString()}` }
  },
}

const erase: Step = {
  commits: true,
  allow: refuseLegalHold,
  run: async (work) => {
    const erasures: { engine: string; erasure: Erasure }[] = []
    for (const boundary of await work.boundaries()) {
      const erasure = await boundary.erase(work.tenant.id)
      refuseResidue(erasure)
      erasures.push({ engine: boundary.engine, erasure })
    }
    return {
      note:
        erasures.length === 0
          ? 'it never had a place'
          : `erased from ${erasures.map(({ engine }) => engine).join(', ')}, all probes found 0`,
      output: erasures,
    }
  },
}

/** @throws RingfenceError `conflict` while somebody is bound by law to keep the tenant's data */
export function refuseLegalHold(tenant: { readonly legal_hold: boolean }): void {
  if (tenant.legal_hold) {
    throw new RingfenceError('conflict', 'the tenant is under legal hold and may not be erased')
  }
}

const removeRealm: Step = {
  run: async ({ ports, tenant }) => {
    await ports.realms.remove(tenant.id)
    return { note: 'users, clients and keys are gone' }
  },
}

const receipt: Step = {
  run: async (work) => {
    const { why } = offboardInput.parse(work.workflow.input)
    const envelope = await work.signReceipt(RECEIPT_PAYLOAD_TYPE, receiptStatement(told(work, why)))
    return {
      note: 'receipt signed',
      output: { sha256: createHash('sha256').update(envelope).digest('hex') },
      apply: async (tx, tenant) => {
        await tx.query(
          'insert into registry.receipt (workflow, tenant, envelope) values ($1, $2, $3)',
          [work.workflow.id, tenant.id, envelope],
        )
        await tx.query('delete from registry.placement where tenant = $1', [tenant.id])
        await work.changes.change(
          tx,
          tenant,
          { status: 'erased', serving: null, cell: null, issuer: null, keys: [], hosts: [] },
          { ...work.cause, why },
        )
      },
    }
  },
}

function told({ workflow, tenant, outputs }: Work, why: string) {
  const exported = exportSchema.safeParse(outputs['export'])
  const record = outputs['record']
  return {
    tenant: tenant.id,
    workflow: workflow.id,
    requestedBy: workflow.by,
    why,
    requestedAt: workflow.started_at,
    completedAt: new Date(),
    changeRecord: typeof record === 'string' ? record : null,
    exports: exported.success ? exported.data.manifests : [],
    erasures: erasuresSchema.parse(outputs['erase']),
  }
}

/**
 * access ends → credentials end → realm closed → export → grace period → erasure with probes → realm
 * removed → signed receipt
 */
export const offboard: Definition = {
  kind: 'offboard',
  steps: {
    record: changeRecordStep,
    close: closeStep,
    revoke: revokeStep,
    realm: closeRealmStep,
    export: exportStep,
    grace,
    erase,
    'remove-realm': removeRealm,
    receipt,
  },
  /** Serves the tenant again if it was served before; only after the live checks, like everyone. */
  undo: async (work) => {
    const { before } = offboardInput.parse(work.workflow.input)
    if (before === 'active') {
      await smokeEverywhere(work)
      await work.ports.realms.setOpen(work.tenant.id, true)
    }
    return async (tx, tenant) => {
      await work.changes.change(
        tx,
        tenant,
        before === 'active'
          ? { status: 'active', serving: 'active' }
          : { status: 'suspended', serving: 'suspended' },
        { ...work.cause, why: 'the offboarding was called off' },
      )
    }
  },
  result: (outputs) => outputs['receipt'],
}
