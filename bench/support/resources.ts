import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a server's processes take of the memory, shared pages in parts (PSS), in MiB. Linux only. */
export async function serverMemoryMiB(postmaster: number): Promise<number> {
  let sum = 0
  for (const pid of [postmaster, ...(await childrenOf(postmaster))]) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    sum += Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0)
  }
  return sum / 1024
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/** The blocks that a directory's files hold, in MiB. */
export async function diskMiB(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) bytes += (await diskMiB(path)) * 2 ** 20
    // Servers delete files at any time.
    else
      bytes += await lstat(path).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      )
  }
  return bytes / 2 ** 20
}
