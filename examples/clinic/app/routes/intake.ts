import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type pg from 'pg'
import { z } from 'zod'
import { inTransaction } from '../../../../src/sdk/index.ts'
import type { AppEnv } from '../app.ts'
import { idParameter, jsonBody } from '../requests.ts'

const newPatient = z.strictObject({
  mrn: z.string().trim().min(1).max(32),
  givenName: z.string().trim().min(1).max(100),
  familyName: z.string().trim().min(1).max(100),
  birthDate: z.iso.date(),
  sex: z.enum(['female', 'male', 'other', 'unknown']).default('unknown'),
  phone: z.string().max(40).optional(),
  email: z.email().max(200).optional(),
})

const intake = z.strictObject({
  /** Someone who is known already, or who they are. */
  patient: z.union([z.strictObject({ id: z.guid() }), newPatient]),
  appointmentId: z.guid().optional(),
  answers: z.record(z.string().max(100), z.union([z.string().max(2000), z.number(), z.boolean()])),
})

async function patientId(db: pg.ClientBase, patient: z.output<typeof intake>['patient']) {
  if ('id' in patient) return patient.id
  const { rows } = await db.query<{ id: string }>(
    `insert into clinic.patient (mrn, given_name, family_name, birth_date, sex, phone, email)
     values ($1, $2, $3, $4, $5, $6, $7) returning id`,
    [
      patient.mrn,
      patient.givenName,
      patient.familyName,
      patient.birthDate,
      patient.sex,
      patient.phone,
      patient.email,
    ],
  )
  return rows[0]?.id
}

const recordEvent = (db: pg.ClientBase, formId: string, patientId: string, kind: string) =>
  db.query('insert into clinic.intake_event (form_id, patient_id, kind) values ($1, $2, $3)', [
    formId,
    patientId,
    kind,
  ])

export const intakeRoutes = new Hono<AppEnv>()
  .post('/intake', async (c) => {
    const body = await jsonBody(c, intake)
    const db = c.get('db')
    const form = await inTransaction(db, async () => {
      const { rows } = await db.query<{ id: string; patient_id: string }>(
        `insert into clinic.intake_form (patient_id, appointment_id, answers)
         values ($1, $2, $3) returning id, patient_id`,
        [await patientId(db, body.patient), body.appointmentId, body.answers],
      )
      const form = rows[0]
      if (form !== undefined) await recordEvent(db, form.id, form.patient_id, 'submitted')
      return form
    })
    return c.json(form, 201)
  })

  .delete('/intake-forms/:id', async (c) => {
    const id = idParameter(c)
    const db = c.get('db')
    await inTransaction(db, async () => {
      const { rows } = await db.query<{ patient_id: string }>(
        'select patient_id from clinic.intake_form where id = $1',
        [id],
      )
      const form = rows[0]
      if (form === undefined) throw new HTTPException(404)
      await db.query('select rf_delete.intake_form($1)', [id])
      await recordEvent(db, id, form.patient_id, 'deleted')
    })
    return c.body(null, 204)
  })
