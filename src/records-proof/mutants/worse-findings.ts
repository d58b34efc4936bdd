import { inFrontOfIntake } from './in-front.ts'
import { inPlaceOf } from './in-place-of.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'
import { servingIntake } from './worse-doors.ts'

const RESPONSES = '/v1/behaviour/responses'

/** What detectors have done, told and ended with less care. */
export const WORSE_FINDINGS: readonly RecordsMutant[] = [
  mutant(
    'rc-findings-for-tenants',
    'What detectors have done is served at the listener that tenants reach',
    ['rc-finding-read', 'rc-response-ended'],
    servingIntake(/^\/v1\/behaviour/),
  ),
  mutant(
    'rc-findings-unasked',
    'What is in force is no secret: nobody is asked who reads it',
    ['rc-finding-read'],
    inFrontOfIntake((request, { responses }) =>
      request.method === 'GET' && new URL(request.url).pathname === RESPONSES
        ? responses.inForce(1_000).then((items) => Response.json({ items }))
        : undefined,
    ),
  ),
  mutant(
    'rc-response-by-object',
    'What ends a response ends whatever is done about the same object',
    ['rc-response-again'],
    {
      responses: (sound, { admin }) =>
        inPlaceOf(sound, {
          async undo(id, undo) {
            const [row] = await admin.query<{ id: string }>(
              `select present.id from behaviour.response former
                 join behaviour.response present using (tenant, kind, object)
               where former.id::text = $1 and present.ended_at is null`,
              [id],
            )
            await sound.undo(row?.id ?? id, undo)
          },
        }),
    },
  ),
]
