import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Span } from '../rating/period.ts'

const DAY_MS = 86_400_000
const NAME = /^requests-(\d{4}-\d\d-\d\d)\.ndjson$/

/**
 * The files of a span below a directory of gateways' request logs, those of all their processes. A line
 * can be in the file of a neighbouring day: what is written at midnight.
 */
export function requestLogDays(directory: string): (span: Span) => Promise<readonly string[]> {
  return async ({ from, to }) => {
    const first = dayOf(from.getTime() - DAY_MS)
    const last = dayOf(to.getTime() + DAY_MS)
    const found = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        // No gateway has served anything yet.
        if (error.code === 'ENOENT') return []
        throw error
      },
    )
    return found
      .filter((one) => {
        const day = NAME.exec(one.name)?.[1]
        return one.isFile() && day !== undefined && first <= day && day <= last
      })
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
  }
}

const dayOf = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 10)
