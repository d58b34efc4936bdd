import { RingfenceError } from '../../core/errors.ts'
import type { Pieces } from '../house/pieces.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

/** Looks at those who follow in its own way. */
function looking(again: (stillMay: () => void | Promise<void>) => void | Promise<void>) {
  return {
    readerOf: (sound) => async (headers) => {
      const reader = await sound(headers)
      return { ...reader, stillMay: () => again(reader.stillMay) }
    },
  } satisfies Pick<Pieces, 'readerOf'>
}

/** Streams to those who may not read any more. */
export const WORSE_FOLLOWERS: readonly RecordsMutant[] = [
  mutant(
    'rc-follower-asked-once',
    'Who follows a log is looked at when the stream begins, and not again',
    ['rc-follow-revoked', 'rc-follow-suspended'],
    looking(() => undefined),
  ),
  mutant(
    'rc-follower-revocations-alone',
    'Who follows is asked for revocations again, and not whether the tenant is served',
    ['rc-follow-suspended'],
    looking(async (stillMay) => {
      try {
        await stillMay()
      } catch (error) {
        if (error instanceof RingfenceError && /revoked/.test(error.message)) throw error
      }
    }),
  ),
]
