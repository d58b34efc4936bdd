import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { importJWK } from 'jose'
import * as client from 'openid-client'
import { parseClientId } from '../src/core/names.ts'
import type { TenantId } from '../src/core/tenant.ts'
import { AUDIENCE, BASE } from '../src/identity/identity-site.test-support.ts'
import { API_KEY_CLIENT } from '../src/identity/provider/built-in-clients.ts'
import {
  ALICE,
  type ProviderSite,
  startProviderSite,
} from '../src/identity/provider/provider-site.test-support.ts'
import { type RealmAlgorithm, TOKEN_EXCHANGE } from '../src/identity/provider/realm-settings.ts'
import { ACCESS_TOKEN_TYPE, API_KEY_TYPE } from '../src/identity/provider/token-exchange.ts'
import { verifyAccessToken } from '../src/tokens/access-token.ts'
import { SigningKey } from '../src/tokens/signing-key.ts'
import { KeySet } from '../src/tokens/verify-token.ts'
import type { Bench, Row } from './bench.ts'
import { median, percentiles } from './support/statistics.ts'
import type { IdentityAnswer, IdentityWork } from './support/identity-process.ts'

const AT_ONCE = 8
const ROUNDS = 5
const ALGORITHMS = ['ES256', 'EdDSA'] as const

/** Something that gets tokens, as often as it is asked. */
type Ask = () => Promise<string>

export const bench: Bench = {
  title:
    'tokens a second of one core of the identity plane, by grant and algorithm; verifying them',
  async run({ quick, say }) {
    const site = await startProviderSite()
    const { log: _log, publisher: _publisher, ...work } = site.options
    const child = await IdentityProcess.start(work)
    try {
      const rows: Row[] = []
      for (const alg of ALGORITHMS) {
        const realm = await site.realm(`realm-${alg.toLowerCase()}`, {
          algorithms: [alg, other(alg)],
        })
        await waitFor(site, realm.tenant, alg)
        const asks = await waysToATokens(site, realm, child)
        for (const [grant, ask] of asks) {
          say(`${grant}, ${alg}`)
          rows.push(await perCore(`${grant}, ${alg}`, ask, child, quick ? 20 : 400))
        }
        rows.push(await verifying(site, realm.tenant, alg, quick ? 200 : 5_000))
      }
      return rows
    } finally {
      child.end()
      await site.stop()
    }
  },
}

const other = (alg: RealmAlgorithm): RealmAlgorithm => (alg === 'ES256' ? 'EdDSA' : 'ES256')

/** The keys of a changed order sign when they were handed over. */
async function waitFor(site: ProviderSite, tenant: TenantId, alg: string): Promise<void> {
  await site.identity.realms.find(tenant)
  const { publicJwk } = await site.identity.parts.keys.signing(tenant)
  if (publicJwk.alg !== alg) throw new Error(`signs with ${publicJwk.alg}`)
}

async function waysToATokens(
  site: ProviderSite,
  { tenant, secret }: { readonly tenant: TenantId; readonly secret: string },
  child: IdentityProcess,
): Promise<ReadonlyMap<string, Ask>> {
  const transport = (url: string, init?: RequestInit) =>
    fetch(url.replace(BASE, child.url), { ...init, redirect: 'manual' })
  const app = await site.app(tenant, secret, {}, transport)
  const key = await SigningKey.create('ES256')
  const signed = parseClientId('signed')
  await site.identity.realms.putClient(tenant, signed, { roles: [], scopes: ['read'] }, [
    key.publicJwk,
  ])
  const imported = await importJWK(key.privateJwk, 'ES256')
  if (imported instanceof Uint8Array) throw new Error('not a key pair')
  const auth = client.PrivateKeyJwt({ key: imported, kid: key.publicJwk.kid })
  const withKey = await site.app(tenant, auth, { client_id: signed }, transport)
  const keys = await site.app(tenant, client.None(), { client_id: API_KEY_CLIENT }, transport)
  const apiKey = await site.identity.realms.createApiKey(tenant, ALICE, {
    ...{ label: 'bench', scopes: ['read'], days: 1 },
  })
  const tokenOf = async (answer: Promise<{ readonly access_token: string }>) =>
    (await answer).access_token
  const exchange = async (config: client.Configuration, subject_token: string, type: string) =>
    tokenOf(
      client.genericGrantRequest(config, TOKEN_EXCHANGE, {
        subject_token,
        subject_token_type: type,
      }),
    )
  const lines = await Promise.all(Array.from({ length: AT_ONCE }, () => refreshing(site, app)))
  let turn = 0
  return new Map<string, Ask>([
    ['client credentials with a secret', () => tokenOf(client.clientCredentialsGrant(app))],
    ['client credentials with a key', () => tokenOf(client.clientCredentialsGrant(withKey))],
    ['refresh', () => lines[turn++ % AT_ONCE]?.() ?? Promise.reject(new Error('no line'))],
    [
      'token exchange',
      async () => {
        const { access_token } = await site.identity.realms.issueFor(tenant, ALICE)
        return exchange(app, access_token, ACCESS_TOKEN_TYPE)
      },
    ],
    ['API key', () => exchange(keys, apiKey.secret, API_KEY_TYPE)],
  ])
}

/** One sign-in, refreshed again and again: one after the other, because each token is good once. */
async function refreshing(site: ProviderSite, app: client.Configuration): Promise<Ask> {
  let last = String((await site.signIn(app)).refresh_token)
  let queue: Promise<unknown> = Promise.resolve()
  return () => {
    const next = queue.then(async () => {
      const answer = await client.refreshTokenGrant(app, last)
      last = String(answer.refresh_token)
      return answer.access_token
    })
    queue = next
    return next
  }
}

/** How many a core of the identity plane makes in a second; the database's work is not counted. */
async function perCore(
  what: string,
  ask: Ask,
  child: IdentityProcess,
  times: number,
): Promise<Row> {
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await child.cpuSeconds()
    const left = Array.from({ length: times }).values()
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const _ of left) await ask()
      }),
    )
    rates.push(times / ((await child.cpuSeconds()) - before))
  }
  return { what, unit: 'tokens/s per core', n: times * ROUNDS, p50: median(rates) }
}

async function verifying(
  site: ProviderSite,
  tenant: TenantId,
  alg: string,
  times: number,
): Promise<Row> {
  const { access_token } = await site.identity.realms.issueFor(tenant, ALICE)
  const keys = new KeySet(await site.identity.parts.keys.verifying(tenant))
  const realm = { issuer: `${BASE}/realms/${tenant}`, audience: AUDIENCE }
  const micros: number[] = []
  for (let count = 0; count < times; count += 1) {
    const began = performance.now()
    await verifyAccessToken(access_token, keys, realm)
    micros.push((performance.now() - began) * 1000)
  }
  return { what: `verifying an access token, ${alg}`, unit: 'µs', ...percentiles(micros) }
}

class IdentityProcess {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  static async start(work: IdentityWork): Promise<IdentityProcess> {
    const child = fork(join(import.meta.dirname, 'support', 'identity-process.ts'))
    child.send(work)
    const answer = await nextAnswer(child)
    if (answer.kind !== 'listening') throw new Error('the identity process does not listen')
    return new IdentityProcess(child, answer.url)
  }

  async cpuSeconds(): Promise<number> {
    this.#child.send('cpu')
    const answer = await nextAnswer(this.#child)
    if (answer.kind !== 'cpu') throw new Error('the identity process said something else')
    return answer.seconds
  }

  end(): void {
    this.#child.disconnect()
  }
}

function nextAnswer(child: ChildProcess): Promise<IdentityAnswer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the identity process ended'))
    child.once('exit', ended)
    child.once('message', (answer) => {
      child.off('exit', ended)
      resolve(answer as IdentityAnswer)
    })
  })
}
