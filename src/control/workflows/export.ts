import { join } from 'node:path'
import type { ExportManifest } from '../../boundaries/boundary.ts'
import { RingfenceError } from '../../core/errors.ts'
import { exportToDirectory } from '../export-to-directory.ts'
import type { Definition, Step, Work } from './definition.ts'

/** Where this workflow's export of the tenant goes. */
export function exportPath({ exportDirectory, tenant, workflow }: Work): string {
  return join(exportDirectory, tenant.id, workflow.id)
}

export const exportStep: Step = {
  run: async (work) => {
    const manifests: ExportManifest[] = []
    for (const boundary of await work.boundaries()) {
      const path = join(exportPath(work), boundary.engine)
      const manifest = await unlessAbsent(work, () =>
        exportToDirectory(boundary, work.tenant.id, path),
      )
      if (manifest !== undefined) manifests.push(manifest)
    }
    const items = manifests.flatMap((manifest) => manifest.items)
    const rows = items.reduce((sum, { count }) => sum + count, 0)
    return {
      note: `${rows} rows of ${items.length} items exported`,
      output: { directory: exportPath(work), manifests },
    }
  },
}

/** A tenant that never became whole owns nothing there. */
async function unlessAbsent<T>(work: Work, take: () => Promise<T>): Promise<T | undefined> {
  try {
    return await take()
  } catch (error) {
    const absent = error instanceof RingfenceError && error.code === 'tenant_unknown'
    if (absent && work.workflow.kind === 'offboard' && work.tenant.serving === null)
      return undefined
    throw error
  }
}

export const exporting: Definition = {
  kind: 'export',
  steps: { export: exportStep },
  result: (outputs) => outputs['export'],
}
