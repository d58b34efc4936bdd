import type { FrontOptions } from './front.ts'

export const LIMITS: FrontOptions['limits'] = {
  connections: 1_000,
  headerBytesMax: 16 * 1024,
  headerMs: 10_000,
  requestMs: 60_000,
  idleMs: 60_000,
}
