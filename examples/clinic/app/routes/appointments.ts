import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type pg from 'pg'
import { z } from 'zod'
import type { AppEnv } from '../app.ts'
import { idParameter, jsonBody } from '../requests.ts'

const newAppointment = z.strictObject({
  patientId: z.guid(),
  clinicianId: z.guid(),
  siteId: z.guid(),
  startsAt: z.iso.datetime({ offset: true }),
  durationMinutes: z.int().min(5).max(480).default(20),
  kind: z.enum(['new_patient', 'follow_up', 'procedure', 'telehealth', 'vaccination']),
  reason: z.string().trim().max(500).default(''),
  icdCode: z.string().max(8).optional(),
})

const appointmentChange = z
  .strictObject({
    startsAt: z.iso.datetime({ offset: true }),
    durationMinutes: z.int().min(5).max(480),
    status: z.enum(['booked', 'arrived', 'completed', 'no_show', 'cancelled']),
    reason: z.string().trim().max(500),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'nothing to change')

interface ListQuery {
  readonly from: string | undefined
  readonly to: string | undefined
  readonly limit: number
  readonly offset: number
}

/**
 * A page of the tenant's appointments and how many there are.
 *
 * Planted fault 1: `where a.tenant_id = …` was forgotten, in both queries.
 */
async function listAppointments(db: pg.ClientBase, query: ListQuery) {
  const range = [query.from ?? '-infinity', query.to ?? 'infinity']
  const page = await db.query(
    `select a.*, p.given_name, p.family_name, c.full_name as clinician, s.name as site
       from clinic.appointment a
       join clinic.patient p on p.id = a.patient_id
       join clinic.clinician c on c.id = a.clinician_id
       join clinic.clinic_site s on s.id = a.site_id
      where a.starts_at >= $1 and a.starts_at < $2
      order by a.starts_at, a.id
      limit $3 offset $4`,
    [...range, query.limit, query.offset],
  )
  const count = await db.query<{ total: number }>(
    `select count(*)::integer as total from clinic.appointment a
      where a.starts_at >= $1 and a.starts_at < $2`,
    range,
  )
  return { total: count.rows[0]?.total ?? 0, appointments: page.rows }
}

const asCount = (text: string | undefined, otherwise: number) =>
  Math.max(0, Math.trunc(Number(text)) || otherwise)

export const appointmentRoutes = new Hono<AppEnv>()
  .get('/', async (c) => {
    const { from, to, limit, offset } = c.req.query()
    return c.json(
      await listAppointments(c.get('db'), {
        from,
        to,
        limit: Math.min(asCount(limit, 50), 1000),
        offset: asCount(offset, 0),
      }),
    )
  })

  .get('/upcoming', async (c) => {
    const { rows } = await c
      .get('db')
      .query('select * from clinic.upcoming_appointment order by starts_at, id limit 50')
    return c.json({ appointments: rows })
  })

  .get('/:id', async (c) => {
    const { rows } = await c
      .get('db')
      .query('select * from clinic.appointment where id = $1', [idParameter(c)])
    if (rows.length === 0) throw new HTTPException(404)
    return c.json(rows[0])
  })

  .post('/', async (c) => {
    const body = await jsonBody(c, newAppointment)
    const { rows } = await c.get('db').query<{ id: string }>(
      `insert into clinic.appointment
         (patient_id, clinician_id, site_id, starts_at, duration_minutes, kind, reason, icd_code)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
      [
        body.patientId,
        body.clinicianId,
        body.siteId,
        body.startsAt,
        body.durationMinutes,
        body.kind,
        body.reason,
        body.icdCode,
      ],
    )
    return c.json(rows[0], 201, { location: `/appointments/${rows[0]?.id}` })
  })

  .patch('/:id', async (c) => {
    const body = await jsonBody(c, appointmentChange)
    const { rows } = await c.get('db').query(
      `update clinic.appointment
          set starts_at = coalesce($2, starts_at),
              duration_minutes = coalesce($3, duration_minutes),
              status = coalesce($4, status),
              reason = coalesce($5, reason),
              updated_at = now()
        where id = $1 returning *`,
      [idParameter(c), body.startsAt, body.durationMinutes, body.status, body.reason],
    )
    if (rows.length === 0) throw new HTTPException(404)
    return c.json(rows[0])
  })
