import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Boundary, ExportManifest } from '../boundaries/boundary.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'

/**
 * Exports a tenant into a new directory: one file of JSON lines for each item, and manifest.json,
 * written last, so that an export without it is not whole.
 * @throws RingfenceError `not_writable` when the directory is there already or cannot be made.
 */
export async function exportToDirectory(
  boundary: Boundary,
  tenant: TenantId,
  directory: string,
): Promise<ExportManifest> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    throw new RingfenceError('not_writable', `${directory}: ${messageOf(error)}`)
  }
  let file: FileHandle | undefined
  const manifest = await boundary.export(tenant, {
    open: async (item) => {
      file = await open(join(directory, `${item}.ndjson`), 'wx', 0o600)
    },
    write: async (chunk) => {
      await file?.writeFile(chunk)
    },
    close: async () => {
      await file?.sync()
      await file?.close()
    },
  })
  await writeFile(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, {
    mode: 0o600,
  })
  return manifest
}
