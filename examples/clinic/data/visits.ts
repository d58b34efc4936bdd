import {
  ALLERGIES,
  CLINICIAN_MESSAGES,
  CONDITIONS,
  MEDICATIONS,
  NOTE_OPENINGS,
  PATIENT_MESSAGES,
} from './conditions.ts'
import { type DataPlan, SLOTS_A_DAY, WEEKS_EACH_WAY, WORKING_DAYS } from './data-spec.ts'
import { FAMILY_NAMES } from './names.ts'
import { bits, type DataStatement, fraction, skewed, statement } from './statement.ts'

const CODES = CONDITIONS.map(({ code }) => code)
const VACCINATION = 1 + CODES.indexOf('Z23')

/** The statements for appointments and what comes of them, in order of dependence. */
export function visitStatements(tenantKey: string, plan: DataPlan): readonly DataStatement[] {
  return [
    appointments(tenantKey, plan),
    intakeForms(tenantKey, plan),
    intakeEvents(tenantKey, plan),
    notes(tenantKey, plan),
    messages(tenantKey, plan),
  ]
}

/**
 * Clinicians take turns. Each one's k-th appointment gets a slot of its own that grows with k, so
 * calendars fill evenly with gaps and no clinician is booked twice.
 */
function appointments(tenantKey: string, plan: DataPlan): DataStatement {
  const each = Math.ceil(plan.appointments / plan.clinicians)
  const stride = (WORKING_DAYS * SLOTS_A_DAY) / each
  const past = WEEKS_EACH_WAY * 5
  return statement('appointment', tenantKey, plan, (sql) => {
    const firstDay = `date_trunc('week', ${sql.bind(plan.anchor)}::timestamp) - interval '${WEEKS_EACH_WAY * 7} days'`
    const outcome = bits('v.g', 2)
    return `
      insert into clinic.appointment (tenant_id, id, patient_id, clinician_id, site_id, starts_at,
        duration_minutes, status, kind, reason, icd_code, created_at, updated_at)
      select ${sql.tenant}, ${sql.id('appointment', 'v.n')},
        ${sql.id('patient', `floor(${plan.patients} * ${skewed('v.h', 0)})::integer`)},
        ${sql.id('clinician', `v.c`)}, ${sql.id('site', `v.c % ${plan.sites}`)}, v.starts_at,
        15 + 5 * (${bits('v.h', 3)} % 2),
        case when v.day < ${past} then case when ${outcome} % 100 < 84 then 'completed'
            when ${outcome} % 100 < 91 then 'no_show' else 'cancelled' end
          when ${outcome} % 100 < 93 then 'booked' else 'cancelled' end,
        case when v.condition = ${VACCINATION} then 'vaccination'
          else ${sql.pick(['new_patient', 'follow_up', 'follow_up', 'follow_up', 'telehealth', 'procedure'], 'v.g', 0)} end,
        (${sql.bind(CONDITIONS.map(({ reason }) => reason))}::text[])[v.condition],
        (${sql.bind(CODES)}::text[])[v.condition],
        v.starts_at - v.lead, v.starts_at - v.lead
      from (
        select s.n, s.c, s.h, s.g, s.day,
          (${firstDay} + (s.day / 5 * 7 + s.day % 5) * interval '1 day'
            + (450 + 30 * (s.c % 4) + 20 * s.slot + case when s.slot >= 12 then 60 else 0 end)
              * interval '1 minute') at time zone ${sql.bind(plan.timeZone)} as starts_at,
          (1 + ${bits('s.g', 1)} % 30) * interval '1 day' as lead,
          1 + floor(${CODES.length} * ${skewed('s.h', 2)})::integer as condition
        from (
          select k.n, k.c, k.h, k.g, k.position / ${SLOTS_A_DAY} as day, k.position % ${SLOTS_A_DAY} as slot
          from (
            select r.n, r.n % ${plan.clinicians} as c, r.h, ${sql.hashOf('visit-detail', 'r.n')} as g,
              floor(r.n / ${plan.clinicians} * ${stride}::float8
                + ${fraction('r.h', 1)} * (${stride}::float8 - 1))::integer as position
            from ${sql.numbered('visit', plan.appointments, 'r')} offset 0) k
          offset 0) s
        offset 0) v`
  })
}

/** The tenant's appointments as `a`, each with 64 bits of its own as `a.h`. */
const visited = (tenant: string, hash: string, where: string) => `
      (select b.*, ${hash} as h from clinic.appointment b
        where b.tenant_id = ${tenant} and ${where} offset 0) a`

function intakeForms(tenantKey: string, plan: DataPlan): DataStatement {
  return statement(
    'intake_form',
    tenantKey,
    plan,
    (sql) => `
      insert into clinic.intake_form (tenant_id, id, patient_id, appointment_id, status, answers,
        submitted_at)
      select ${sql.tenant}, ${sql.id('form', 'a.id')}, a.patient_id, a.id,
        case when a.status = 'completed' then 'reviewed' else 'submitted' end,
        jsonb_build_object('reason', a.reason, 'allergies', ${sql.pick(ALLERGIES, 'a.h', 1)},
          'medication', ${sql.pick(MEDICATIONS, 'a.h', 2)}, 'smoker', ${bits('a.h', 3)} % 6 = 0,
          'emergency_contact', ${sql.pick(FAMILY_NAMES, 'a.h', 3)}),
        a.starts_at - (600 + ${bits('a.h', 2)} % 7000) * interval '1 minute'
      from ${visited(sql.tenant, sql.hashOf('form', 'b.id'), `b.starts_at < ${sql.bind(plan.anchor)}::date and b.status <> 'cancelled'`)}
      where ${bits('a.h', 0)} % 6 = 0`,
  )
}

function intakeEvents(tenantKey: string, plan: DataPlan): DataStatement {
  return statement(
    'intake_event',
    tenantKey,
    plan,
    (sql) => `
      insert into clinic.intake_event (tenant_id, id, occurred_at, patient_id, form_id, kind, detail)
      select ${sql.tenant}, ${sql.id('event', `f.id || e.kind`)}, f.submitted_at + e.later,
        f.patient_id, f.id, e.kind, e.detail
      from clinic.intake_form f, (values
        ('opened', interval '-11 minutes', 'patient portal'),
        ('submitted', interval '0', 'patient portal'),
        ('reviewed', interval '3 hours', 'front desk')) e (kind, later, detail)
      where f.tenant_id = ${sql.tenant} and (e.kind <> 'reviewed' or f.status = 'reviewed')`,
  )
}

function notes(tenantKey: string, plan: DataPlan): DataStatement {
  return statement('note', tenantKey, plan, (sql) => {
    const condition = `array_position(${sql.bind(CODES)}::text[], a.icd_code)`
    const findings = sql.bind(CONDITIONS.map(({ finding }) => finding))
    const plans = sql.bind(CONDITIONS.map(({ plan }) => plan))
    return `
      insert into clinic.note (tenant_id, id, patient_id, clinician_id, appointment_id, body,
        written_at)
      select ${sql.tenant}, ${sql.id('note', 'a.id')}, a.patient_id, a.clinician_id, a.id,
        ${sql.pick(NOTE_OPENINGS, 'a.h', 1)} || ' ' || a.reason || '. '
          || (${findings}::text[])[${condition}] || ' ' || (${plans}::text[])[${condition}],
        a.starts_at + (15 + ${bits('a.h', 2)} % 90) * interval '1 minute'
      from ${visited(sql.tenant, sql.hashOf('note', 'b.id'), `b.status = 'completed'`)}
      where ${bits('a.h', 0)} % 3 = 0`
  })
}

function messages(tenantKey: string, plan: DataPlan): DataStatement {
  return statement(
    'message',
    tenantKey,
    plan,
    (sql) => `
      insert into clinic.message (tenant_id, id, patient_id, clinician_id, sender, body, sent_at,
        read_at)
      select ${sql.tenant}, ${sql.id('message', 'm.n')},
        ${sql.id('patient', `${bits('m.h', 0)} % ${plan.patients}`)},
        ${sql.id('clinician', `${bits('m.h', 1)} % ${plan.clinicians}`)}, m.sender,
        case m.sender when 'patient' then ${sql.pick(PATIENT_MESSAGES, 'm.h', 3)}
          else ${sql.pick(CLINICIAN_MESSAGES, 'm.h', 3)} end,
        m.sent_at, case when ${bits('m.h', 3)} % 7 > 0 then m.sent_at + interval '95 minutes' end
      from (
        select d.n, d.h, case when ${bits('d.h', 2)} % 5 < 3 then 'patient' else 'clinician' end as sender,
          (${sql.bind(plan.anchor)}::timestamp at time zone 'UTC')
            - (100 + 4 * ${bits('d.h', 2)}) * interval '1 minute' as sent_at
        from ${sql.numbered('message', Math.ceil(plan.patients / 2), 'd')} offset 0) m`,
  )
}
