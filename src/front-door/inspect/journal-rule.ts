import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { messageOf } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'

/** Less than this is as good as nothing: entries come in batches of up to thousands. */
const BYTES_FREE_MIN = 16 * 1024 * 1024

/** Whether vending can write down what it grants and refuses. */
export async function inspectJournal(directory: string): Promise<readonly Finding[]> {
  const why = await trouble(directory)
  if (why === undefined) return []
  return [
    {
      rule: 'fd-journal-not-writable',
      severity: 'high',
      object: 'vending journal',
      explanation: `Vending's journal cannot be written: ${why}. Grants leave no trace, and assertions that were used can be used again after a restart.`,
      fix: undefined,
    },
  ]
}

async function trouble(directory: string): Promise<string | undefined> {
  try {
    await access(directory, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize < BYTES_FREE_MIN ? 'the disk is full' : undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)
    return code === 'ENOENT' ? 'its directory is gone' : code
  }
}
