import { OPERATOR_SCOPES, TENANT_SCOPES } from '../../control/control-plane.ts'
import { hashOfToken } from '../../control/operators/operator-token.ts'
import type { ObjectChange } from '../../control/manifests/manifests.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { contentHash } from '../../manifests/content-hash.ts'
import { type Manifest, manifestSchema, referenceOf } from '../../manifests/manifest.ts'
import { parsePolicy } from '../../policy/parse-policies.ts'
import { claimedAccess, verifyAccessToken } from '../../tokens/access-token.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { API_AUDIENCE, type Site } from '../house/site.ts'
import {
  changed,
  instead,
  mutant,
  type OfficeMutant,
  worseFront,
  worsePlane,
} from './office-mutant.ts'

const OBJECT = /\/objects\/[a-z-]+\/[a-z0-9-]+$/

/** The upstream of this name, of whichever tenant. */
async function anybodys(site: Site, name: string, tenant: string): Promise<Manifest | undefined> {
  const [row] = await site.database.query<{ spec: unknown }>(
    `select spec from registry.object where kind = 'Upstream' and name = $1`,
    [name],
  )
  if (row === undefined) return undefined
  const metadata = { name, tenant }
  return manifestSchema.parse({
    ...{ apiVersion: 'ringfence.dev/v1', kind: 'Upstream', metadata },
    spec: row.spec,
  })
}

/** Enters it as it is, and looks at nothing. */
async function entered(site: Site, manifest: Manifest): Promise<ObjectChange> {
  const reference = referenceOf(manifest)
  const { spec } = manifest
  await site.database.query(
    `insert into registry.object (owner, kind, name, spec, generation, hash, by, why)
     values ($1, $2, $3, $4, 1, $5, 'worse', 'applied')
     on conflict (owner, kind, name) do update set spec = excluded.spec`,
    [reference.tenant, reference.kind, reference.name, JSON.stringify(spec), contentHash(spec)],
  )
  return { reference, change: 'configured', generation: 1, diff: [], workflow: undefined }
}

/** A tag of nothing but what objects of two tenants can have in common. */
async function hashTag(answer: Response): Promise<string> {
  const said = (await answer.clone().json()) as { hash?: string }
  return `"${said.hash ?? ''}"`
}

/** Ways in which what one tenant declares would be another's, or reach into it. */
export const OBJECT_MUTANTS: readonly OfficeMutant[] = [
  mutant(
    'ca-object-owner-unasked',
    'Whoever may declare declares for whichever tenant the manifest names',
    ['ca-object-of-other', 'ca-object-of-platform'],
    worsePlane(({ manifests }) => ({
      manifests: instead(manifests, {
        apply: (request, { tenant: _tenant, ...by }) =>
          manifests.apply(request, { ...by, scopes: OPERATOR_SCOPES }),
      }),
    })),
  ),
  mutant(
    'ca-object-reader-unasked',
    'Whoever may read reads what is whose it likes',
    ['ca-object-read-other'],
    worsePlane(({ manifests }) => ({
      manifests: instead(manifests, {
        get: (reference, { tenant: _tenant, ...by }) => manifests.get(reference, by),
        history: (reference, page, { tenant: _tenant, ...by }) =>
          manifests.history(reference, page, by),
      }),
    })),
  ),
  mutant(
    'ca-object-list-by-query',
    'A list is of the tenant that the query names, whoever asks',
    ['ca-object-read-other'],
    worsePlane(({ manifests }) => ({
      manifests: instead(manifests, {
        list: (filter, page, { tenant, ...by }) =>
          manifests.list(
            filter,
            page,
            filter.tenant === undefined && tenant ? { ...by, tenant } : by,
          ),
      }),
    })),
  ),
  mutant(
    'ca-object-prune-by-name',
    'A set is pruned by its name alone',
    ['ca-object-prune-other'],
    worsePlane(({ manifests }) => ({
      manifests: instead(manifests, {
        apply: (request, { tenant, ...by }) =>
          manifests.apply(
            request,
            request.prune === true || tenant === undefined
              ? { ...by, scopes: OPERATOR_SCOPES }
              : { ...by, tenant },
          ),
      }),
    })),
  ),
  mutant(
    'ca-object-upstreams-shared',
    'An upstream is found by its name, in one table for all tenants',
    ['ca-object-refer-other'],
    worsePlane(({ manifests }, site) => ({
      manifests: instead(manifests, {
        apply: async (request, by) => {
          const named = request.manifests.flatMap((one) =>
            one.kind === 'Contract' ? one.spec.apis.map(({ upstream }) => upstream.name) : [],
          )
          const found = await Promise.all(
            named.map((name) => anybodys(site, name, by.tenant ?? '')),
          )
          const more = found.filter((one) => one !== undefined)
          return manifests.apply({ ...request, manifests: [...more, ...request.manifests] }, by)
        },
      }),
    })),
  ),
  mutant(
    'ca-object-upstream-anywhere',
    "A tenant's own upstream is wherever the tenant says",
    ['ca-object-upstream-inside'],
    worsePlane(({ manifests }, site) => ({
      manifests: instead(manifests, {
        apply: async (request, by) => {
          const [only] = request.manifests
          if (only?.kind !== 'Upstream') return manifests.apply(request, by)
          return { dryRun: false, version: 1, changes: [await entered(site, only)] }
        },
      }),
    })),
  ),
  mutant(
    'ca-object-policies-of-form',
    'Policies are looked at for whether they can be read, and not for whose entities they name',
    ['ca-object-policy-other'],
    worsePlane(({ manifests }, site) => ({
      manifests: instead(manifests, {
        apply: async (request, by) => {
          const [only] = request.manifests
          if (only?.kind !== 'PolicyStore') return manifests.apply(request, by)
          for (const { text } of only.spec.policies) parsePolicy(text)
          return { dryRun: false, version: 1, changes: [await entered(site, only)] }
        },
      }),
    })),
  ),
  mutant(
    'ca-object-tags-ignored',
    'Conditions on objects are not looked at',
    ['ca-object-tag-other'],
    worseFront(async (request, api) =>
      api(
        OBJECT.test(new URL(request.url).pathname)
          ? changed(request, { 'if-match': undefined })
          : request,
      ),
    ),
  ),
  mutant(
    'ca-object-tags-of-hashes',
    'The tag of an object is the hash of what it says, whose it is left out',
    ['ca-object-tag-other'],
    worseFront(async (request, api) => {
      const { pathname } = new URL(request.url)
      if (!OBJECT.test(pathname)) return api(request)
      const condition = request.headers.get('if-match')
      if (request.method === 'PUT' && condition !== null) {
        const reading = new Headers(request.headers)
        for (const name of ['if-match', 'content-type', 'content-length']) reading.delete(name)
        const now = await api(new Request(request.url, { headers: reading }))
        const meant = now.ok && condition === (await hashTag(now))
        return api(meant ? changed(request, { 'if-match': undefined }) : request)
      }
      const answer = await api(request)
      if (!answer.ok || request.method !== 'GET') return answer
      const headers = new Headers(answer.headers)
      headers.set('etag', await hashTag(answer))
      return new Response(answer.body, { status: answer.status, headers })
    }),
  ),
  mutant(
    'ca-object-cursor-not-bound',
    'Cursors of objects say where a page begins, and nothing else',
    ['ca-object-cursor'],
    worsePlane(({ manifests }) => ({
      manifests: instead(manifests, {
        list: async (filter, { limit, cursor }, by) => {
          const { items } = await manifests.list(filter, { limit: 500 }, by)
          const from = Number(cursor ?? '0')
          const next = from + limit < items.length ? String(from + limit) : undefined
          return { items: items.slice(from, from + limit), next }
        },
      }),
    })),
  ),
  mutant(
    'ca-object-token-of-nobody',
    'What a token is for is read once, and whose it is forgotten',
    ['ca-object-of-other', 'ca-object-read-other'],
    worsePlane(({ operators }) => ({
      operators: instead(operators, {
        authenticate: async (token, requestId) => {
          const { tenant: _tenant, ...actor } = await operators.authenticate(token, requestId)
          return { ...actor, kind: 'operator' }
        },
      }),
    })),
  ),
  mutant(
    'ca-object-token-for-all',
    'Who is known is let through: scopes of tenants’ tokens are not asked for',
    ['ca-object-token-beyond'],
    worsePlane(({ operators }) => ({
      operators: instead(operators, {
        authenticate: async (token, requestId) => {
          const actor = await operators.authenticate(token, requestId)
          return actor.tenant === undefined ? actor : { ...actor, scopes: OPERATOR_SCOPES }
        },
      }),
    })),
  ),
  mutant(
    'ca-object-realm-believed',
    'The realm whose keys are asked for is the issuer’s, and the tenant is as the token says',
    ['ca-object-realm-token'],
    worsePlane(({ operators }, { database, ground }) => ({
      operators: instead(operators, {
        authenticate: async (token, requestId) => {
          const claimed = claimedAccess(token)
          if (claimed === undefined) return operators.authenticate(token, requestId)
          const [row] = await database.query<{ issuer: string }>(
            'select issuer from registry.tenant where issuer = $1',
            [claimed.issuer],
          )
          if (row === undefined) return operators.authenticate(token, requestId)
          const keys = new KeySet([ground.keys.realm.publicJwk])
          const { issuer } = row
          const { tenant, subject } = await verifyAccessToken(token, keys, {
            ...{ issuer, audience: API_AUDIENCE },
          })
          const scopes = TENANT_SCOPES
          return { kind: 'administrator', name: `${tenant}/${subject}`, scopes, tenant, requestId }
        },
      }),
    })),
  ),
  mutant(
    'ca-object-token-outlives',
    "A tenant's token is good for whoever has the tenant's id",
    ['ca-object-of-the-former'],
    worsePlane(({ operators }, { database }) => ({
      operators: instead(operators, {
        authenticate: async (token, requestId) => {
          const [row] = await database.query<{ name: string; tenant: string | null }>(
            'select name, tenant from registry.operator where token_hash = $1',
            [hashOfToken(token)],
          )
          if (row?.tenant == null) return operators.authenticate(token, requestId)
          const tenant = parseTenantId(row.tenant)
          const scopes = TENANT_SCOPES
          return { kind: 'administrator', name: row.name, scopes, tenant, requestId }
        },
      }),
    })),
  ),
]
