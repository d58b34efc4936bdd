import type { ClientBase } from 'pg'

/** What the manager of an organisation is told of one site. */
export interface SiteNumbers {
  readonly site: string
  readonly city: string
  readonly appointments: number
  readonly patients: number
  readonly no_shows: number
  readonly cancelled: number
}

/**
 * What the manager of an organisation finds in the mail each morning: every site with its numbers.
 *
 * Planted fault 3: it was written when each customer had a database, and reads all there is.
 */
export async function siteNumbers(
  db: ClientBase,
): Promise<{ readonly appointments: number; readonly sites: readonly SiteNumbers[] }> {
  const { rows } = await db.query<SiteNumbers>(
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
  return { appointments: rows.reduce((sum, row) => sum + row.appointments, 0), sites: rows }
}
