import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { refused } from './seal.ts'
import { writeWhole } from './write-whole.ts'

const standingSchema = z.strictObject({
  version: z.int().min(0),
  hash: z.string(),
  confirmation: z.string().optional(),
})

/**
 * The highest version that this process has ever had in force, and the newest confirmation. It is
 * kept apart from the records, so that older records put in their place are noticed.
 */
export type Standing = z.output<typeof standingSchema>

const pathIn = (directory: string) => join(directory, 'standing.json')

/** @throws RingfenceError `snapshot_refused` for a file that is damaged: it protects from rollback */
export async function readStanding(directory: string): Promise<Standing> {
  let text: string
  try {
    text = await readFile(pathIn(directory), 'utf8')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return { version: 0, hash: '' }
  }
  try {
    return standingSchema.parse(JSON.parse(text))
  } catch (error) {
    throw refused('standing.json beside it is damaged', error)
  }
}

export function writeStanding(directory: string, standing: Standing): Promise<void> {
  return writeWhole(pathIn(directory), JSON.stringify(standing))
}
