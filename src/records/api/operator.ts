import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { type Address, call } from '../../http/call.ts'

const TIMEOUT_MS = 5_000
/** What each act on records needs of the scopes that the control plane gives. */
const NEEDED = {
  read: 'tenants:read',
  write: 'catalogue:write',
  // The platform's log says what all operators did and why, of all tenants, and what strangers claimed to
  // be: more than who looks after tenants needs. It is for those who may lift and set security.
  log: 'security:write',
} as const

const callerSchema = z.object({ name: z.string().min(1), scopes: z.array(z.string()) })

/** Who of the people that run the platform asks. */
export interface RecordsOperator {
  readonly name: string
}

/**
 * Who asks, by an operator's token, on the control plane's word at this moment: what it has taken back is
 * taken back here too, and while it is away no operator is known.
 * @throws RingfenceError `not_authenticated`, `forbidden`, `rate_limited`, `engine_unavailable`
 */
export async function operatorOf(
  control: Address,
  headers: Headers,
  act: keyof typeof NEEDED,
): Promise<RecordsOperator> {
  const authorization = headers.get('authorization')
  if (authorization === null) throw unknown()
  const answer = await call(control, {
    method: 'GET',
    path: '/v1/caller',
    headers: { authorization },
    timeoutMs: TIMEOUT_MS,
  })
  if (answer.status === 429) {
    throw new RingfenceError('rate_limited', 'too many tokens that are none: wait')
  }
  if (answer.status === 401 || answer.status === 403) throw unknown()
  if (answer.status !== 200) {
    throw new RingfenceError('engine_unavailable', 'the control plane cannot say who asks')
  }
  const { name, scopes } = callerSchema.parse(JSON.parse(answer.text))
  if (scopes.includes(NEEDED[act])) return { name }
  throw new RingfenceError('forbidden', `this needs the scope ${NEEDED[act]}`)
}

function unknown(): RingfenceError {
  return new RingfenceError('not_authenticated', 'present an operator’s token')
}
