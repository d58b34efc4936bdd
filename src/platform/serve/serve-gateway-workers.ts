import { Hono } from 'hono'
import { Workers } from '../../edge/workers.ts'
import { CONTEXT_JWKS_PATH } from '../../gateway/admin.ts'
import { listen, type Listen, removeStaleSocket } from '../../http/listen.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { openProxyUsage, type ProxyUsage } from './proxy-usage.ts'
import type { Log, Served } from './served.ts'
import { proofAnswers } from './shared-proofs.ts'

/**
 * The front door as several processes on one machine, each of which runs the command that this one was
 * started by. This one takes connections, hands them out, and answers operators; `reload` replaces the
 * others one by one.
 * @throws RingfenceError `port_taken`, `timed_out` when they do not come to serve
 */
export async function serveGatewayWorkers(
  spec: PlaneSpec<'gateway'>,
  count: number,
  log: Log,
): Promise<Served> {
  const key = await readOrMakeSigningKey(spec.contextKey, 'ES256')
  const [, program = '', ...flags] = process.argv
  let isClosing = false
  const workers = new Workers({
    count,
    program: { path: program, arguments: flags },
    log: (event) => log(JSON.stringify({ level: 'info', ...event })),
    answer: proofAnswers(),
  })
  const app = new Hono()
  for (const path of ['/healthz', '/livez']) app.get(path, (c) => c.json({ status: 'ok' }))
  app.get('/readyz', (c) => {
    const [ready, status] = [workers.ready.size, isClosing ? 'draining' : 'waiting']
    if (ready > 0 && !isClosing) return c.json({ status: 'ready', workers: ready })
    return c.json({ status, why: `${ready} workers serve` }, 503)
  })
  app.get(CONTEXT_JWKS_PATH, (c) =>
    c.json({ keys: [key.publicJwk] }, 200, { 'cache-control': 'public, max-age=60' }),
  )
  for (const where of sharedListeners(spec)) await removeStaleSocket(where)
  const admin = await listen(app.fetch, spec.admin)
  let carried: ProxyUsage | undefined
  try {
    carried = await openProxyUsage(spec, log)
    const url = await workers.start()
    return {
      url,
      reload() {
        void workers
          .roll()
          .then((all) => log(JSON.stringify({ level: 'info', event: 'workers-replaced', all })))
      },
      async close() {
        isClosing = true
        await workers.close()
        await carried?.close()
        await admin.close()
      },
    }
  } catch (error) {
    await carried?.close()
    await admin.close()
    throw error
  }
}

/** What all workers listen on together. */
function sharedListeners({
  listen: front,
  decisions,
  authorizers,
}: PlaneSpec<'gateway'>): Listen[] {
  const all = [front, decisions?.listen, authorizers?.http, authorizers?.grpc]
  return all.filter((where) => where !== undefined)
}
