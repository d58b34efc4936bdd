import { Hono } from 'hono'
import type { AppEnv } from '../app.ts'
import { siteNumbers } from '../site-numbers.ts'

export const reportRoutes = new Hono<AppEnv>().get('/nightly', async (c) =>
  c.json({ generated_at: new Date().toISOString(), ...(await siteNumbers(c.get('db'))) }),
)
