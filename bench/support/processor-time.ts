import { readFileSync } from 'node:fs'

/** The kernel's clock ticks, as `getconf CLK_TCK` says on every Linux. */
const TICKS_PER_SECOND = 100

/** Processor time that a process has used until now, in microseconds. Linux only: NaN elsewhere. */
export function processorMicroseconds(pid: number | undefined): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in brackets, may hold anything; after it come state (3) to utime (14) and stime (15).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND
  } catch {
    return Number.NaN
  }
}
