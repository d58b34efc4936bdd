import { Hono } from 'hono'
import type pg from 'pg'
import type { AppEnv } from '../app.ts'

/**
 * What the manager of an organisation finds in the mail each morning: every site with its numbers.
 *
 * Planted fault 3: it was written when each customer had a database, and reads all there is.
 */
async function nightlyReport(db: pg.Pool) {
  const { rows } = await db.query<{ appointments: number }>(
    `select s.name as site, s.city,
            count(*)::integer as appointments,
            count(distinct a.patient_id)::integer as patients,
            count(*) filter (where a.status = 'no_show')::integer as no_shows,
            count(*) filter (where a.status = 'cancelled')::integer as cancelled
       from clinic.appointment a
       join clinic.clinic_site s on s.id = a.site_id
      group by s.id, s.name, s.city
      order by s.name`,
  )
  const appointments = rows.reduce((sum, row) => sum + row.appointments, 0)
  return { generated_at: new Date().toISOString(), appointments, sites: rows }
}

export const reportRoutes = new Hono<AppEnv>().get('/nightly', async (c) =>
  c.json(await nightlyReport(c.get('db'))),
)
