import { RingfenceError } from '../../core/errors.ts'
import { problemOf } from '../../http/problem.ts'

/** What a request can have got wrong: RFC 7644, section 3.12, as far as it is said here. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'

/** A refusal in the words of SCIM. `message` is public; it repeats nothing of what was sent. */
export class ScimError extends RingfenceError {
  readonly scimType: ScimType

  constructor(scimType: ScimType, message: string) {
    super(scimType === 'uniqueness' ? 'conflict' : 'invalid_argument', message)
    this.scimType = scimType
  }
}

/** RFC 7644, section 3.12. */
export interface ScimErrorBody {
  readonly schemas: readonly ['urn:ietf:params:scim:api:messages:2.0:Error']
  /** The HTTP status, as text. */
  readonly status: string
  readonly scimType?: ScimType
  readonly detail: string
}

/** What a client may know of an error. Of our own trouble it is only that there is some. */
export function scimErrorOf(error: unknown): ScimErrorBody {
  const { status, title } = problemOf(error)
  return scimErrorBody(status, title, scimTypeOf(error))
}

export function scimErrorBody(status: number, detail: string, scimType?: ScimType): ScimErrorBody {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType === undefined ? {} : { scimType }),
    detail,
  }
}

function scimTypeOf(error: unknown): ScimType | undefined {
  if (error instanceof ScimError) return error.scimType
  if (!(error instanceof RingfenceError)) return undefined
  // The directory's own refusals: a name that is taken, a value that it cannot keep.
  if (error.code === 'conflict') return 'uniqueness'
  return error.code === 'invalid_argument' ? 'invalidValue' : undefined
}
