import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { RingfenceError } from '../../../core/errors.ts'
import { parseSetName } from '../../../core/names.ts'
import { KIND_NAMES } from '../../../manifests/kinds.ts'
import { authenticated } from '../authenticate.ts'
import type { ApiEnvironment, ApiParts } from '../environment.ts'
import { named, textField } from '../fields.ts'
import { idempotent } from '../idempotent.ts'

/** What the operations on manifests share. */

/** A body of manifests, in bytes: OpenAPI documents and policies stand in it. */
const MANIFEST_BYTES_MAX = 8 * 1024 * 1024
/** Where such a body may come. */
export const MANIFEST_PATHS = /^\/v1\/(?:apply|(?:tenants\/[^/]+\/)?objects\/[^/]+\/[^/]+)$/

export const setField = named(parseSetName, 'clinic-repository')
export const whyField = textField(500)
export const kindField = z.enum(Object.values(KIND_NAMES) as [string, ...string[]])
export const nameField = z.string().min(1).max(40)

/** The body is read after its sender is known: nobody else has us keep so much. */
export function writing(parts: ApiParts): MiddlewareHandler<ApiEnvironment>[] {
  return [
    authenticated(parts, 'configuration:write'),
    bodyLimit({
      maxSize: MANIFEST_BYTES_MAX,
      onError: () => {
        throw new RingfenceError(
          'too_large',
          `a body of manifests is at most ${MANIFEST_BYTES_MAX} bytes long`,
        )
      },
    }),
    idempotent(parts),
  ]
}
