// A collector of usage, or a service that records it, to be killed. Told what it is by one argument:
// JSON of `UsageProcess`.
import { serve } from '@hono/node-server'
import { parseClientId, parseServiceName, parseSubject } from '../../src/core/names.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { openMetering } from '../../src/metering/open-metering.ts'
import { Ringfence } from '../../src/sdk/index.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { signContext } from '../../src/tokens/tenant-context.ts'
import { KeySet } from '../../src/tokens/verify-token.ts'
import type { UsageProcess } from './usage-kills.test-support.ts'

const CLINIC = parseServiceName('clinic')
const CLIENT = parseClientId('clinic-web')
const AUDIENCE = 'ringfence-records'
const AT_ONCE = 8

const what = JSON.parse(process.argv[2] ?? '') as UsageProcess
const [clientKey, contextKey] = await Promise.all([
  SigningKey.fromJwk(what.clientKey),
  SigningKey.fromJwk(what.contextKey),
])
const contextKeys = { request: [contextKey.publicJwk], job: [] }
if (what.role === 'collector') await collect()
else await record()

async function collect(): Promise<void> {
  const keys = new KeySet([clientKey.publicJwk])
  const metering = await openMetering({
    database: what.database,
    beatMs: 20,
    log: () => {},
    intake: {
      audience: AUDIENCE,
      contextKeys: () => ({ request: new KeySet(contextKeys.request), job: new KeySet([]) }),
      reporterOf: (client) => ({ kind: 'service', client, service: CLINIC, keys }),
    },
  })
  if (metering.app === undefined) throw new Error('no intake')
  serve({ fetch: metering.app.fetch, port: what.port, hostname: '127.0.0.1' }, () =>
    process.stdout.write('ready\n'),
  )
}

async function record(): Promise<void> {
  const tenant = parseTenantId('acme')
  const ringfence = new Ringfence({
    ...{ service: CLINIC, clientId: CLIENT, clientKey: what.clientKey, contextKeys },
    vending: { address: 'http://127.0.0.1:1', audience: 'nobody' },
    usage: {
      address: `http://127.0.0.1:${what.port}`,
      audience: AUDIENCE,
      spool: what.spool,
    },
  })
  const token = await signContext(
    contextKey,
    {
      ...{ kind: 'request', tenant, service: CLINIC, subject: parseSubject('ann') },
      ...{ scopes: ['read'], roles: [], requestId: 'r-1' },
    },
    60,
  )
  const context = await ringfence.verify(token)
  process.stdout.write('ready\n')
  const ending = new AbortController()
  const stopping = ending.signal
  if (!what.records) ending.abort()
  let n = 0
  const one = async () => {
    while (!stopping.aborted) {
      const id = `${process.pid}-${(n += 1)}`
      await ringfence.recordUsage(context, { type: 'dev.example.visit', id, data: { n: 1 } })
      // Only now is anything promised.
      process.stdout.write(`${id}\n`)
      // Not faster than the two of them get on with it.
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  process.stdin.once('data', () => {
    ending.abort()
  })
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  for (;;) {
    const lag = await ringfence.usageLag()
    if (lag?.bytes === 0) process.stdout.write('sent\n')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
