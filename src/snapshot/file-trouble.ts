import { RingfenceError } from '../core/errors.ts'

/** What streams into a file may come from the network. */
const NETWORK = /^(?:ECONN|ENET|EHOST|EPIPE|ETIMEDOUT)/
const FULL = new Set(['ENOSPC', 'EDQUOT'])

/** The machine's trouble with a file as `disk_full` or `not_writable`; anything else as it was. */
export function fileTrouble(error: unknown, directory: string): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error
  if (NETWORK.test(String(error.code))) return error
  const full = FULL.has(String(error.code))
  return new RingfenceError(
    full ? 'disk_full' : 'not_writable',
    `${directory}: ${full ? 'the disk is full' : 'it cannot be written to'}`,
    { cause: error },
  )
}
