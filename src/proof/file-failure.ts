import { RingfenceError } from '../core/errors.ts'

const CODES: Readonly<Record<string, 'not_writable' | 'disk_full'>> = {
  EACCES: 'not_writable',
  EPERM: 'not_writable',
  EROFS: 'not_writable',
  ENOTDIR: 'not_writable',
  EEXIST: 'not_writable',
  EISDIR: 'not_writable',
  ENAMETOOLONG: 'not_writable',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
}

/** A failure to write into `directory` as `not_writable` or `disk_full`; anything else as it was. */
export function fileFailure(error: unknown, directory: string): unknown {
  const code = error instanceof Error && 'code' in error ? CODES[String(error.code)] : undefined
  if (code === undefined) return error
  const what = code === 'disk_full' ? 'the disk is full' : 'it cannot be written to'
  return new RingfenceError(code, `${directory}: ${what}`, { cause: error })
}
