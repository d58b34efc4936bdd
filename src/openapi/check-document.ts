import { ApiDescription } from './api-description.ts'
import { WORK_MAX, withinWork } from './work.ts'

/**
 * Whether a document can be served by: everything in it is compiled once, which the gateway does only
 * when it is called. For whoever writes documents down.
 * @throws RingfenceError `invalid_manifest` that says what is wrong where
 */
export function checkOpenApi(text: string): void {
  const { operations } = new ApiDescription(text)
  withinWork(WORK_MAX, () => {
    for (const { parameters, body } of operations) {
      for (const { check } of parameters) check('')
      for (const { check } of body?.contents ?? []) check('')
    }
  })
}
