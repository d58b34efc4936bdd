import { z } from 'zod'
import { grantSchema } from '../../contracts/grant.ts'
import { type Actor, TENANT_SCOPES } from '../../control/control-plane.ts'
import type { GrantDesk } from '../../control/grants/grants.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseGrantId } from '../../core/names.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { CHIEF } from '../house/site.ts'
import {
  instead,
  mutant,
  type OfficeMutant,
  whoAsks,
  worseFront,
  worsePlane,
} from './office-mutant.ts'

/** As if it were an operator who looks. */
function ofNobody({ tenant: _tenant, ...by }: Actor): Actor {
  return by
}

/** As if somebody had signed in at the tenant's realm. */
const SPEAKS = {
  kind: 'administrator',
  signedIn: { roles: [], twoFactors: true, beyond: [] },
} as const

/** Somebody who asks, in the place of the side whose word it needs. */
async function asSide(
  grants: GrantDesk,
  id: Parameters<GrantDesk['get']>[0],
  side: 'grantor' | 'grantee',
  by: Actor,
): Promise<Actor> {
  const { [side]: tenant } = await grants.get(id, CHIEF)
  return { ...by, tenant, ...SPEAKS }
}

/** A desk with some of what it does in a worse form. */
function worseDesk(worsen: (grants: GrantDesk) => Partial<GrantDesk>) {
  return worsePlane(({ grants }) => ({ grants: instead(grants, worsen(grants)) }))
}

const bodySchema = z.looseObject({ grantor: parsed(parseTenantId), not_before: z.string() })

/** Ways in which one tenant's consent would be taken for another's. */
export const GRANT_MUTANTS: readonly OfficeMutant[] = [
  mutant(
    'ca-grant-by-id',
    'Whoever knows the id of a grant is whoever it is for',
    ['ca-grant-between-others'],
    worseDesk((grants) => ({
      accept: async (id, by) => grants.accept(id, await asSide(grants, id, 'grantee', by)),
    })),
  ),
  mutant(
    'ca-grant-ended-by-anybody',
    'Ending is always safe: whose grant it is is not asked',
    ['ca-grant-between-others'],
    worseDesk((grants) => ({
      revoke: async (id, by) => grants.revoke(id, await asSide(grants, id, 'grantor', by)),
    })),
  ),
  mutant(
    'ca-grant-list-of-all',
    'The list of grants is that of all tenants',
    ['ca-grant-between-others'],
    worseDesk((grants) => ({ list: (by) => grants.list(ofNobody(by)) })),
  ),
  mutant(
    'ca-grant-either-side-agrees',
    'Either side may accept what it is a side of',
    ['ca-grant-own-offer'],
    worseDesk((grants) => ({
      accept: async (id, by) => {
        const { grantor } = await grants.get(id, by)
        return grants.accept(
          id,
          grantor === by.tenant ? await asSide(grants, id, 'grantee', by) : by,
        )
      },
    })),
  ),
  mutant(
    'ca-grant-grantor-believed',
    'Whose grant is offered is what the request says',
    ['ca-grant-in-others-name'],
    worseFront(async (request, api, plane) => {
      const isOffer = request.method === 'POST' && new URL(request.url).pathname === '/v1/grants'
      const body = isOffer ? bodySchema.safeParse(await request.clone().json()) : undefined
      const by = body?.success === true ? await whoAsks(request, plane) : undefined
      if (body?.success !== true || by === undefined) return api(request)
      const { grantor, not_before: notBefore, ...rest } = body.data
      const offer = grantSchema.omit({ id: true }).parse({ ...rest, notBefore })
      const made = await plane.grants.offer(offer, { ...by, tenant: grantor })
      return Response.json({ id: made.id }, { status: 201 })
    }),
  ),
  mutant(
    'ca-grant-anybody-consents',
    'Whoever may write a configuration consents for its tenant',
    ['ca-grant-by-token'],
    worseDesk((grants) => ({
      offer: (offer, by) => grants.offer(offer, { ...by, ...SPEAKS }),
      accept: async (id, by) => grants.accept(id, await asSide(grants, id, 'grantee', by)),
    })),
  ),
  mutant(
    'ca-grant-factors-unasked',
    'How an administrator has signed in is not asked',
    ['ca-grant-one-factor'],
    worsePlane(({ operators }) => ({
      operators: instead(operators, {
        authenticate: async (token, requestId) => {
          const actor = await operators.authenticate(token, requestId)
          if (actor.signedIn === undefined || actor.tenant === undefined) return actor
          return { ...actor, ...SPEAKS, scopes: TENANT_SCOPES }
        },
      }),
    })),
  ),
  mutant(
    'ca-grant-states-unasked',
    'What was offered once can be accepted at any time',
    ['ca-grant-after-its-end'],
    worsePlane(({ grants }, { database }) => ({
      grants: instead(grants, {
        accept: async (id, by) => {
          await database.query(
            `update registry.delegation set state = 'offered', ended_side = null, ended_by = null,
                    ended_at = null, expires_at = now() + interval '1 day' where id = $1`,
            [parseGrantId(id)],
          )
          return grants.accept(id, by)
        },
      }),
    })),
  ),
  mutant(
    'ca-grant-names-shown',
    'Whoever may see a grant sees who agreed to it',
    ['ca-grant-who-agreed'],
    worseDesk((grants) => ({
      get: async (id, by) => {
        await grants.get(id, by)
        return grants.get(id, ofNobody(by))
      },
    })),
  ),
  mutant(
    'ca-grant-one-record',
    'What came of a grant is read from the giver’s record, for both',
    ['ca-grant-uses'],
    worseDesk((grants) => ({
      uses: async (id, page, by) => {
        await grants.get(id, by)
        return grants.uses(id, page, ofNobody(by))
      },
    })),
  ),
  mutant(
    'ca-grant-others-forbidden',
    'What is between others is forbidden, and what is not there is not found',
    ['ca-grant-existence'],
    worseDesk((grants) => ({
      get: (id, by) =>
        grants.get(id, by).catch(async (error: unknown) => {
          await grants.get(id, CHIEF)
          throw error instanceof RingfenceError
            ? new RingfenceError('forbidden', 'it is not yours')
            : error
        }),
    })),
  ),
]
