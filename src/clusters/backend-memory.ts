import { readFile } from 'node:fs/promises'

/**
 * The memory in KiB that a server process holds alone (anonymous resident pages, without the shared
 * buffers), or undefined where it cannot be known: no /proc, a process that has gone, or the id of
 * one on another machine.
 */
export async function backendMemoryKiB(pid: number): Promise<number | undefined> {
  if (!Number.isSafeInteger(pid) || pid < 1) return undefined
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, value] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? []
  return value === undefined ? undefined : Number(value)
}
