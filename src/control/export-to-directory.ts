import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Boundary, ExportManifest } from '../boundaries/boundary.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'

/** An item's name becomes a file's name, and leads nowhere else. */
const ITEM = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/

const manifestSchema = z.object({
  tenant: parsed(parseTenantId),
  engine: z.string(),
  exportedAt: z.coerce.date(),
  items: z.array(
    z.object({ item: z.string(), count: z.number(), bytes: z.number(), sha256: z.string() }),
  ),
})

/**
 * Exports a tenant into a directory: one file of JSON lines for each item, and manifest.json. It is
 * made under another name and renamed when all of it is on the disk: the directory is whole or not
 * there. One that is there already is returned as it is.
 * @throws RingfenceError `not_writable`
 */
export async function exportToDirectory(
  boundary: Pick<Boundary, 'export'>,
  tenant: TenantId,
  directory: string,
): Promise<ExportManifest> {
  const found = await finished(directory)
  if (found !== undefined) return found
  const draft = `${directory}.part`
  try {
    // What a killed process left is not continued: nobody knows what of it reached the disk.
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new RingfenceError('not_writable', `${draft}: ${messageOf(error)}`)
  }
  const manifest = await writeItems(boundary, tenant, draft)
  await writeDurably(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  await syncDirectory(draft)
  await rename(draft, directory)
  await syncDirectory(dirname(directory))
  return manifest
}

async function finished(directory: string): Promise<ExportManifest | undefined> {
  try {
    const text = await readFile(join(directory, 'manifest.json'), 'utf8')
    return manifestSchema.parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function writeItems(
  boundary: Pick<Boundary, 'export'>,
  tenant: TenantId,
  directory: string,
): Promise<ExportManifest> {
  let file: FileHandle | undefined
  try {
    return await boundary.export(tenant, {
      open: async (item) => {
        if (!ITEM.test(item)) throw new RingfenceError('internal', 'an item has an unsafe name')
        file = await open(join(directory, `${item}.ndjson`), 'wx', 0o600)
      },
      write: async (chunk) => {
        await file?.writeFile(chunk)
      },
      close: async () => {
        await file?.sync()
        await file?.close()
        file = undefined
      },
    })
  } finally {
    await file?.close()
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
