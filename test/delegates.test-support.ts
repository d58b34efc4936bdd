import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import { grantUseSchema } from '../src/administration/grant-uses.ts'
import { wireGrantSchema } from '../src/control/api/operations/grants.ts'
import { leaseSchema } from '../src/control/api/schemas.ts'
import { tenantAdministrator } from './tenant-administrator.test-support.ts'
import { type Asked, eventually, type TrialPlatform } from './trial-platform.test-support.ts'

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const DAY_MS = 86_400_000

/** What an attacker would ask by the clinic's faulty search box: who is asked, and all that it has. */
const EVERYTHING = `'; select session_user as login,
  (select string_agg(family_name, ' ') from clinic.patient) as patients --`
const askedFor = (sql: string) => `/patients/search?q=${encodeURIComponent(sql)}`

const seenSchema = z.object({
  patients: z.tuple([z.object({ login: z.string(), patients: z.string().nullable() })]),
})

/**
 * One tenant lets a principal of another read its patients: asked for and agreed to by their own
 * administrators, used by its own token, and taken back.
 */
export async function delegates(trial: TrialPlatform): Promise<void> {
  const [acme, globex] = [
    await tenantAdministrator(trial.state, 'acme'),
    await tenantAdministrator(trial.state, 'globex'),
  ]
  const own = { acme: await trial.token('acme'), globex: await trial.token('globex') }
  for (const tenant of ['acme', 'globex'] as const) await plant(trial, tenant, own[tenant])
  const change = (by: typeof acme, path: string, body: object = {}) =>
    by.change({ method: 'POST', path: `/v1/grants${path}`, body }, wireGrantSchema)

  const { id } = await change(acme, '', {
    ...{ grantee: 'globex', subject: 'tester', scopes: ['read'], bills: 'grantee' },
    ...{ apis: ['clinic'], actions: ['read', 'POST'], resources: ['/patients', '/intake'] },
    not_before: new Date(Date.now() - DAY_MS).toISOString(),
    expires: new Date(Date.now() + DAY_MS).toISOString(),
  })
  const { iss: issuer = '' } = decodeJwt(own.acme)
  // Offered, and not agreed to.
  assert.equal((await exchanged(issuer, own.globex, id)).status, 400)
  assert.equal((await change(globex, `/${id}/acceptance`)).state, 'active')
  const token = await tokenOf(await exchanged(issuer, own.globex, id))
  const { act, sub } = decodeJwt(token)
  assert.deepEqual([sub, act], [`grant:${id}`, { iss: decodeJwt(own.globex).iss, sub: 'tester' }])

  // Nothing lent to others is left to share: what is lent now is lent for this.
  assert.equal(
    (await trial.run('leases', 'revoke', 'acme', '--yes', '--state', trial.state)).code,
    0,
  )
  const ask = (path: string, init?: Asked) => trial.ask('acme', path, token, init)
  await eventually('the grant is known at the front door', async () => {
    const answer = await ask(askedFor(''))
    return answer.status === 200
  })
  const seen = await seenBy(trial, 'acme', token)
  assert.equal(seen.patients, 'Of-acme')
  assert.equal(seen.login, (await seenBy(trial, 'acme', own.acme)).login)
  assert.notEqual(seen.login, (await seenBy(trial, 'globex', own.globex)).login)
  assert.deepEqual(await scopesLent(trial), ['read'])

  // Another action, resource, tenant, or scope: at the front door. Past it, the lease only reads.
  assert.equal((await ask('/intake', { method: 'DELETE' })).status, 403)
  assert.equal((await ask('/appointments')).status, 403)
  assert.equal((await trial.ask('globex', askedFor(''), token)).status, 401)
  assert.equal((await plant(trial, 'acme', token, 'Intruder')).status, 403)
  assert.equal((await ask(askedFor(`'; delete from clinic.patient --`))).status, 403)
  assert.deepEqual(await scopesLent(trial), ['read'])
  assert.equal((await seenBy(trial, 'acme', own.acme)).patients, 'Of-acme')

  assert.equal((await change(globex, `/${id}/revocation`)).state, 'revoked')
  await eventually('the token opens nothing', async () => (await ask(askedFor(''))).status === 401)
  assert.equal((await exchanged(issuer, own.globex, id)).status, 400)
  assert.equal((await trial.ask('acme', askedFor(''), own.acme)).status, 200)

  for (const [by, side] of [
    [acme, 'grantor'],
    [globex, 'grantee'],
  ] as const) {
    const uses = await by.list(`/v1/grants/${id}/uses`, grantUseSchema)
    assert.deepEqual(
      uses.map((use) => [use.side, use.token, use.scopes]),
      [[side, decodeJwt(token).jti, ['read']]],
    )
    const { events } = await by.get(`/v1/grants/${id}`, wireGrantSchema)
    assert.deepEqual(
      events.map((event) => [event.what, event.side, event.by !== null]),
      [
        ['offered', 'grantor', side === 'grantor'],
        ['accepted', 'grantee', side === 'grantee'],
        ['revoked', 'grantee', side === 'grantee'],
      ],
    )
  }
}

/** A patient, by a write through the front door. */
async function plant(trial: TrialPlatform, tenant: string, token: string, name = `Of-${tenant}`) {
  const patient = { mrn: name, givenName: 'A', familyName: name, birthDate: '1990-01-01' }
  return trial.ask(tenant, '/intake', token, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ patient, answers: {} }),
  })
}

function exchanged(issuer: string, subject_token: string, grant_id: string): Promise<Response> {
  return fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      ...{ grant_type: TOKEN_EXCHANGE, client_id: 'ringfence-delegation', grant_id },
      ...{ subject_token, subject_token_type: ACCESS_TOKEN },
    }),
  })
}

async function tokenOf(answer: Response): Promise<string> {
  return z.object({ access_token: z.string() }).parse(await answer.json()).access_token
}

async function seenBy(trial: TrialPlatform, tenant: string, token: string) {
  const answer = await trial.ask(tenant, askedFor(EVERYTHING), token)
  const [seen] = seenSchema.parse(await answer.json()).patients
  return seen
}

/** Scopes of the leases of acme's data that open something now. */
async function scopesLent(trial: TrialPlatform): Promise<readonly string[]> {
  const all = await trial.client().list('/v1/tenants/acme/leases', leaseSchema)
  const live = all.filter(({ ended_at }) => ended_at === null)
  return [...new Set(live.map(({ scope }) => scope))]
}
