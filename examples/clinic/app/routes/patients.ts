import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type pg from 'pg'
import type { AppEnv } from '../app.ts'
import { idParameter } from '../requests.ts'

/**
 * Patients whose name contains `q`. A search box must answer at once, hence the time limit.
 *
 * Planted fault 2: `q` is put into the SQL text, and text without parameters may hold several
 * statements.
 */
async function searchPatients(db: pg.ClientBase, q: string) {
  const results: unknown = await db.query(
    "set local statement_timeout = '2s'; " +
      'select id, mrn, given_name, family_name, birth_date::text, phone, email' +
      ` from clinic.patient where given_name || ' ' || family_name ilike '%${q}%'` +
      ' order by family_name, given_name limit 25',
  )
  return (results as pg.QueryResult[]).at(-1)?.rows
}

export const patientRoutes = new Hono<AppEnv>()
  .get('/search', async (c) =>
    c.json({ patients: await searchPatients(c.get('db'), c.req.query('q') ?? '') }),
  )

  .get('/:id/notes', async (c) => {
    const id = idParameter(c)
    const db = c.get('db')
    const patient = await db.query('select 1 from clinic.patient where id = $1', [id])
    if (patient.rows.length === 0) throw new HTTPException(404)
    const { rows } = await db.query(
      `select n.id, n.written_at, n.body, n.appointment_id, c.full_name as clinician
         from clinic.note n
         join clinic.clinician c on c.tenant_id = n.tenant_id and c.id = n.clinician_id
        where n.patient_id = $1
        order by n.written_at desc limit 200`,
      [id],
    )
    return c.json({ notes: rows })
  })
