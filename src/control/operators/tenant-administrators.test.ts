import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Revocable } from '../../revocation/revocation.ts'
import { type Access, signAccessToken } from '../../tokens/access-token.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  startControlSite,
  succeeded,
} from '../control-site.test-support.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { TWO_FACTORS } from './operators-realm.ts'
import { CONFIGURATION_SCOPE } from './tenant-administrators.ts'

const AUDIENCE = 'https://api.example.test'
const revoked = new Set<string>()
const keys = new Map<TenantId, SigningKey>()
let site: ControlSite
let plane: OpenControlPlane
let acme: TenantId
let globex: TenantId

before(async () => {
  site = await startControlSite()
  const list = { revokes: ({ id }: Revocable) => revoked.has(id) || revoked.has('everything') }
  plane = await site.open({ revocations: { list } })
  await fillCatalogue(plane)
  acme = await onboarded(plane, 'acme')
  globex = await onboarded(plane, 'globex')
  for (const tenant of [acme, globex]) {
    const key = await SigningKey.create('ES256')
    keys.set(tenant, key)
    await site.ask('update registry.tenant set issuer = $2, keys = $3 where id = $1', [
      tenant,
      issuerOf(tenant),
      JSON.stringify([key.publicJwk]),
    ])
  }
})
after(() => site?.stop())

const issuerOf = (tenant: string) => `https://id.example.test/t/${tenant}`

interface Unusual {
  readonly realm?: TenantId
  readonly key?: SigningKey
  readonly issuer?: string
  readonly audience?: string
  readonly access?: Partial<Access>
}

/** What a tenant's administrator would present, but for what is said. */
async function tokenOf(tenant: TenantId, unusual: Unusual = {}): Promise<string> {
  const { realm = tenant, access = {} } = unusual
  const key = unusual.key ?? keys.get(realm)
  assert.ok(key)
  return signAccessToken(
    key,
    { issuer: unusual.issuer ?? issuerOf(realm), audience: unusual.audience ?? AUDIENCE },
    {
      tenant,
      subject: parseSubject('alice'),
      client: 'acme-cli',
      scopes: [CONFIGURATION_SCOPE],
      roles: ['tenant-admin'],
      acr: TWO_FACTORS,
      ...access,
    },
  )
}

test('an administrator acts for the tenant whose realm it signed in at', async () => {
  const actor = await plane.operators.authenticate(await tokenOf(acme), 'r')
  assert.deepEqual(
    [actor.kind, actor.name, actor.tenant, actor.person],
    ['administrator', 'acme/alice', acme, undefined],
  )
  assert.deepEqual(actor.scopes, ['configuration:read', 'configuration:write'])
})

test('with one factor it reads, and is told that two would let it write', async () => {
  const access = { acr: 'urn:ringfence:acr:1' }
  const actor = await plane.operators.authenticate(await tokenOf(acme, { access }), 'r')
  assert.deepEqual(actor.scopes, ['configuration:read'])
  assert.deepEqual(actor.signedIn?.beyond, ['configuration:write'])
})

test('whatever else is not as it should be, the token is worth nothing', async () => {
  const stranger = await SigningKey.create('ES256')
  const unusual: Readonly<Record<string, Unusual>> = {
    'another realm’s key': { realm: globex, issuer: issuerOf(acme) },
    'another realm’s issuer and key': { realm: globex },
    'a stranger’s key': { key: stranger },
    'another audience': { audience: 'urn:ringfence:control' },
    'no role': { access: { roles: ['doctor'] } },
    'a client that is for other things': { access: { scopes: ['read', 'write'] } },
    'somebody who acts for it': { access: { actor: { subject: parseSubject('support') } } },
    'a key of which it shows no proof': { access: { boundTo: 'A'.repeat(43) } },
  }
  for (const [what, one] of Object.entries(unusual)) {
    await assert.rejects(
      async () => plane.operators.authenticate(await tokenOf(acme, one), 'r'),
      (error) => error instanceof RingfenceError && error.code === 'not_authenticated',
      what,
    )
  }
})

test('what was revoked is worth nothing', async () => {
  const token = await tokenOf(acme)
  await plane.operators.authenticate(token, 'r')
  revoked.add('everything')
  await assert.rejects(plane.operators.authenticate(token, 'r'), { code: 'not_authenticated' })
  revoked.clear()
})

test('administrators of a tenant that is suspended act for nobody', async () => {
  await succeeded(plane, await plane.tenants.suspend(globex, 'unpaid', jane))
  await assert.rejects(async () => plane.operators.authenticate(await tokenOf(globex), 'r'), {
    code: 'not_authenticated',
  })
})
