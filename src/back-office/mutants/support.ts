import { randomUUID } from 'node:crypto'
import type { Actor } from '../../control/control-plane.ts'
import { SUPPORT_SERVICE } from '../../control/support/support-service.ts'
import type { SupportKey, SupportView } from '../../control/support/support.ts'
import { type Scope, SCOPES } from '../../core/lease.ts'
import { parseSubject } from '../../core/names.ts'
import { supportSubject } from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'
import { signContext } from '../../tokens/tenant-context.ts'
import type { Site } from '../house/site.ts'
import { instead, mutant, type OfficeMutant, whoAsks, worsePlane } from './office-mutant.ts'

const SECONDS = 60

/** A context that nobody has thought about. */
async function carelessKey(
  { ground }: Site,
  subject: string,
  tenant: TenantId,
  scope: Scope,
): Promise<SupportKey> {
  const token = await signContext(
    ground.keys.job,
    {
      kind: 'job',
      tenant,
      service: SUPPORT_SERVICE,
      subject: parseSubject(subject),
      scopes: [scope],
      roles: [],
      requestId: randomUUID(),
    },
    SECONDS,
  )
  return { tenant, token, expiresAt: new Date(Date.now() + SECONDS * 1000) }
}

/** Gives a context for whatever access it is true of, whatever the plane says to it. */
function gives(
  id: string,
  title: string,
  noticedBy: readonly string[],
  when: (access: SupportView, by: Actor, site: Site) => boolean,
): OfficeMutant {
  return mutant(
    id,
    title,
    noticedBy,
    worsePlane(({ support }, site) => ({
      support: instead(support, {
        context: async (access, seconds, by) => {
          const view = await support.get(access)
          if (!when(view, by, site)) return support.context(access, seconds, by)
          return carelessKey(site, supportSubject(view), view.tenant, view.scope)
        },
      }),
    })),
  )
}

const isOwn = ({ requestedBy }: SupportView, by: Actor) => requestedBy === by.name

export const SUPPORT_MUTANTS: readonly OfficeMutant[] = [
  gives(
    'ca-support-without-end',
    'Access ends when somebody ends it, and not by itself',
    ['ca-support-past-its-end'],
    (access, by) => isOwn(access, by) && ['active', 'expired'].includes(access.state),
  ),
  gives(
    'ca-support-not-taken-back',
    'Whether access was taken back is not looked at',
    ['ca-support-revoked'],
    (access, by) => isOwn(access, by) && ['active', 'revoked'].includes(access.state),
  ),
  gives(
    'ca-support-second-person-enough',
    'A second person is as good as the tenant',
    ['ca-support-without-consent'],
    (access, by) => isOwn(access, by) && ['active', 'approved'].includes(access.state),
  ),
  gives(
    'ca-support-any-word',
    'A word of consent is looked up by the access alone, whoever said it to whatever',
    ['ca-support-consent-of-another'],
    (access, by, { world }) =>
      isOwn(access, by) &&
      [...world.words.values()].flat().some((word) => word.access === access.id),
  ),
  gives(
    'ca-support-for-anybody',
    'An access is for whoever knows its id',
    ['ca-support-of-somebody'],
    ({ state }) => state === 'active',
  ),
  mutant(
    'ca-support-consent-noted',
    'An operator may note that the tenant has agreed',
    ['ca-support-consent-forged'],
    {
      front:
        (api, { database }, plane) =>
        async (request, env) => {
          const [, id] = /\/v1\/support\/([^/]+)\/consent$/.exec(request.url) ?? []
          if (id === undefined) return api(request, env)
          const by = await whoAsks(request, plane)
          if (by?.scopes.includes('support:write') !== true) return api(request, env)
          await database.query(
            `update registry.support_access set state = 'active', consented_by = $2,
                  active_at = statement_timestamp(),
                  ends_at = statement_timestamp() + make_interval(secs => seconds)
            where id = $1 and state = 'approved'`,
            [id, by.name],
          )
          return Response.json({ id })
        },
    },
  ),
  mutant(
    'ca-support-as-a-job',
    'Whoever may ask contexts for jobs may ask them for the operators’ own service',
    ['ca-support-other-tenant'],
    worsePlane(({ jobs }, site) => ({
      jobs: instead(jobs, {
        contexts: async (request, by) => {
          if (request.service !== SUPPORT_SERVICE) return jobs.contexts(request, by)
          const subject = `job:${request.job}`
          return Promise.all(
            (request.tenants ?? []).map((tenant) => carelessKey(site, subject, tenant, 'read')),
          )
        },
      }),
    })),
  ),
  mutant('ca-support-any-scope', 'A context of the scope that is asked for', ['ca-support-wider'], {
    front: (api, site, plane) => async (request, env) => {
      const [, id] = /\/v1\/support\/([^/]+)\/context$/.exec(request.url) ?? []
      if (id === undefined) return api(request, env)
      const text = await request.text()
      const scope = SCOPES.find((name) => text.includes(`"scope":"${name}"`))
      const { url, method, headers } = request
      const passed = new Request(url, { method, headers, body: text })
      if (scope === undefined) return api(passed, env)
      const view = await plane.support.get(id)
      const key = await carelessKey(site, supportSubject(view), view.tenant, scope)
      return Response.json({ ...key, expires_at: key.expiresAt })
    },
  }),
]
