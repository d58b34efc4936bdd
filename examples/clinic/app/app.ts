import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { timeout } from 'hono/timeout'
import type pg from 'pg'
import { HOME_PAGE } from './home-page.ts'
import { problemResponse } from './problems.ts'
import { type Log, requestLog } from './request-log.ts'
import { appointmentRoutes } from './routes/appointments.ts'
import { intakeRoutes } from './routes/intake.ts'
import { patientRoutes } from './routes/patients.ts'
import { reportRoutes } from './routes/reports.ts'
import type { TenantDatabases } from './tenant-database.ts'

/** What every handler finds on its context. */
export interface AppEnv {
  Variables: { db: pg.Pool; requestId: string }
}

const REQUEST_MS_MAX = 15_000
const BODY_BYTES_MAX = 65_536

/** The whole application, without a port. */
export function createApp(databases: TenantDatabases, log: Log): Hono<AppEnv> {
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
  api.use(async (c, next) => {
    const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    if (token === undefined) throw new HTTPException(401)
    await databases.use(token, async (pool) => {
      c.set('db', pool)
      await next()
    })
    databases.noteFailure(token, c.error)
  })
  api.route('/appointments', appointmentRoutes)
  api.route('/patients', patientRoutes)
  api.route('/reports', reportRoutes)
  api.route('/', intakeRoutes)
  app.route('/', api)
  return app
}
