import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { timeout } from 'hono/timeout'
import type { ClientBase } from 'pg'
import { type TenantEnv, tenantMiddleware } from '../../../src/sdk/hono.ts'
import type { Ringfence } from '../../../src/sdk/index.ts'
import { HOME_PAGE } from './home-page.ts'
import { problemResponse } from './problems.ts'
import { type Log, requestLog } from './request-log.ts'
import { appointmentRoutes } from './routes/appointments.ts'
import { intakeRoutes } from './routes/intake.ts'
import { patientRoutes } from './routes/patients.ts'
import { reportRoutes } from './routes/reports.ts'

/** What every handler finds on its context. */
export interface AppEnv {
  Variables: TenantEnv['Variables'] & { db: ClientBase; requestId: string }
}

const REQUEST_MS_MAX = 15_000
const BODY_BYTES_MAX = 65_536
const READS = new Set(['GET', 'HEAD'])

/** The whole application, without a port. */
export function createApp(ringfence: Ringfence, log: Log): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.use(
    requestId(),
    requestLog(log),
    secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'none'"] } }),
    timeout(REQUEST_MS_MAX),
  )
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => {
        throw new HTTPException(413)
      },
    }),
  )
  app.onError((error, c) => problemResponse(c, error))
  app.notFound((c) => problemResponse(c, new HTTPException(404)))

  app.get('/', (c) => c.html(HOME_PAGE))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))

  const api = new Hono<AppEnv>()
  api.use(tenantMiddleware(ringfence))
  api.use(async (c, next) => {
    const scope = READS.has(c.req.method) ? 'read' : 'write'
    // The body is here before a session is taken: who sends slowly holds none.
    await c.req.text()
    await ringfence.withTenant(
      c.get('tenantContext'),
      async (db) => {
        c.set('db', db)
        await next()
      },
      { scope },
    )
  })
  api.route('/appointments', appointmentRoutes)
  api.route('/patients', patientRoutes)
  api.route('/reports', reportRoutes)
  api.route('/', intakeRoutes)
  app.route('/', api)
  return app
}
