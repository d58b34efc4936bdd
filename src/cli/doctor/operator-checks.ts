import type { z } from 'zod'
import { fourEyesSchema, operatorSchema } from '../../control/api/schemas.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { ControlClient } from '../control-client.ts'
import { type Check, type Diagnosis, ok, skipped, warning } from './check.ts'

/** The token that is made at the first start. */
const FIRST = 'bootstrap'

type Token = z.infer<typeof operatorSchema>

/** Whether people operate the platform, or still the token of its first start. */
export const checkOperators: Check = async ({ access }) => {
  if (access === undefined) return [skipped('operators', 'the control plane is not known')]
  const client = new ControlClient(access)
  try {
    const { since } = await client.get('/v1/four-eyes', fourEyesSchema)
    return [fourEyes(since), ...(await tokens(client, since !== null))]
  } catch (error) {
    return [skipped('operators', messageOf(error))]
  }
}

function fourEyes(since: string | null): Diagnosis {
  if (since !== null) return ok('four eyes', `in force since ${since}`)
  return warning(
    'four eyes',
    'one person alone can do everything: there is no second one yet who may decide',
    'invite two: ringfence operators invite <email> --name <name> --role approver',
  )
}

async function tokens(client: ControlClient, inForce: boolean): Promise<readonly Diagnosis[]> {
  let all: readonly Token[]
  try {
    all = await client.list('/v1/operators', operatorSchema)
  } catch (error) {
    if (!(error instanceof RingfenceError) || error.code !== 'forbidden') throw error
    return [skipped('tokens', 'this may not read who has tokens')]
  }
  const first = all.find(({ name, revoked_at }) => name === FIRST && revoked_at === null)
  if (first === undefined) return [ok('tokens', 'the first token is revoked')]
  if (!inForce) return [ok('tokens', 'the first token is in use until two people have signed in')]
  const used = first.last_used_at === null ? 'never used' : `last used ${first.last_used_at}`
  return [
    warning(
      'tokens',
      `the first token is still good, though people have signed in (${used})`,
      `ringfence operators revoke ${FIRST}, after automation that uses it has a token of its own`,
    ),
  ]
}
