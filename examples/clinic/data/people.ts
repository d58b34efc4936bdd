import type { DataPlan } from './data-spec.ts'
import { FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES, PAYERS, PLACES, SPECIALTIES } from './names.ts'
import { bits, type DataStatement, type Fragments, fraction, statement } from './statement.ts'

const ALL_NAMES = [...FEMALE_NAMES, ...MALE_NAMES]

/** Numbers that the regulators of the three countries keep free for fiction. */
const PHONES: Readonly<Record<DataPlan['timeZone'], (sql: Fragments, h: string) => string>> = {
  'America/New_York': (sql, h) =>
    `'+1-' || ${sql.pick(['212', '315', '518', '585', '607', '716', '845', '914'], h, 1)} ||
     '-555-01' || lpad((${bits(h, 3)} % 100)::text, 2, '0')`,
  'Europe/Dublin': (_sql, h) => `'+353 20 91' || lpad((${bits(h, 3)} % 100000)::text, 5, '0')`,
  'Europe/Berlin': (_sql, h) => `'+49 30 23125 ' || lpad((${bits(h, 3)} % 1000)::text, 3, '0')`,
}

const LANGUAGES: Readonly<Record<DataPlan['timeZone'], readonly string[]>> = {
  'America/New_York': ['en', 'en', 'en', 'en', 'es', 'zh', 'ht', 'ru'],
  'Europe/Dublin': ['en', 'en', 'en', 'en', 'pl', 'pt', 'ga', 'ro'],
  'Europe/Berlin': ['de', 'de', 'de', 'de', 'tr', 'ar', 'en', 'uk'],
}

/** The statements for sites, clinicians, patients and their insurance, in order of dependence. */
export function peopleStatements(tenantKey: string, plan: DataPlan): readonly DataStatement[] {
  return [
    sites(tenantKey, plan),
    clinicians(tenantKey, plan),
    patients(tenantKey, plan),
    insurancePolicies(tenantKey, plan),
  ]
}

function sites(tenantKey: string, plan: DataPlan): DataStatement {
  return statement('clinic_site', tenantKey, plan, (sql) => {
    const place = `(${sql.bind(PLACES)}::text[])[1 + s.n]`
    const kinds = plan.sites > 8 ? ['Hospital'] : ['Clinic', 'Medical Centre', 'Practice']
    return `
      insert into clinic.clinic_site (tenant_id, id, name, city, time_zone, phone, opened_on)
      select ${sql.tenant}, ${sql.id('site', 's.n')}, ${place} || ' ' || ${sql.pick(kinds, 's.h', 0)},
        ${place}, ${sql.bind(plan.timeZone)}, ${PHONES[plan.timeZone](sql, 's.h')},
        date '1978-01-09' + ${bits('s.h', 2)} / 5
      from ${sql.numbered('site', plan.sites, 's')}`
  })
}

function clinicians(tenantKey: string, plan: DataPlan): DataStatement {
  return statement(
    'clinician',
    tenantKey,
    plan,
    (sql) => `
      insert into clinic.clinician (tenant_id, id, site_id, full_name, specialty, email, phone)
      select ${sql.tenant}, ${sql.id('clinician', 'c.n')}, ${sql.id('site', `c.n % ${plan.sites}`)},
        'Dr ' || c.given || ' ' || c.family, ${sql.pick(SPECIALTIES, 'c.h', 2)},
        c.given || '.' || c.family || c.n || '@staff.example', ${PHONES[plan.timeZone](sql, 'c.h')}
      from (
        select d.n, d.h, ${sql.pick(ALL_NAMES, 'd.h', 0)} as given,
          ${sql.pick(FAMILY_NAMES, 'd.h', 1)} as family
        from ${sql.numbered('clinician', plan.clinicians, 'd')} offset 0) c`,
  )
}

function patients(tenantKey: string, plan: DataPlan): DataStatement {
  return statement('patient', tenantKey, plan, (sql) => {
    const anchor = `${sql.bind(plan.anchor)}::date`
    return `
      insert into clinic.patient (tenant_id, id, mrn, given_name, family_name, birth_date, sex,
        language, phone, email, home_site_id, created_at)
      select ${sql.tenant}, ${sql.id('patient', 'p.n')},
        'P' || lpad(((p.n::bigint * 7919 + 12345) % 1000003)::text, 7, '0'),
        p.given, p.family, ${anchor} - (${fraction('p.g', 0)} * 33000)::integer, p.sex,
        ${sql.pick(LANGUAGES[plan.timeZone], 'p.g', 1)}, ${PHONES[plan.timeZone](sql, 'p.g')},
        case when ${bits('p.g', 2)} % 8 > 0
          then p.given || '.' || p.family || p.n || '@example.org' end,
        ${sql.id('site', `${bits('p.h', 3)} % ${plan.sites}`)},
        (${anchor} - 182)::timestamp at time zone 'UTC' - ${bits('p.g', 2)} * interval '24 minutes'
      from (
        select q.n, q.h, ${sql.hashOf('patient-detail', 'q.n')} as g, q.sex,
          case q.sex when 'female' then ${sql.pick(FEMALE_NAMES, 'q.h', 1)}
            when 'male' then ${sql.pick(MALE_NAMES, 'q.h', 1)}
            else ${sql.pick(ALL_NAMES, 'q.h', 1)} end as given,
          ${sql.pick(FAMILY_NAMES, 'q.h', 2)} as family
        from (
          select d.n, d.h, case when ${bits('d.h', 0)} % 100 < 51 then 'female'
            when ${bits('d.h', 0)} % 100 < 98 then 'male'
            when ${bits('d.h', 0)} % 100 < 99 then 'other' else 'unknown' end as sex
          from ${sql.numbered('patient', plan.patients, 'd')} offset 0) q
        offset 0) p`
  })
}

function insurancePolicies(tenantKey: string, plan: DataPlan): DataStatement {
  return statement(
    'insurance_policy',
    tenantKey,
    plan,
    (sql) => `
      insert into clinic.insurance_policy (tenant_id, id, patient_id, payer, member_number,
        copay_cents, valid_from, valid_to)
      select ${sql.tenant}, ${sql.id('policy', 'i.n')}, ${sql.id('patient', 'i.n')},
        ${sql.pick(PAYERS, 'i.h', 0)},
        lpad(${bits('i.h', 1)}::text, 5, '0') || '-' || lpad(i.n::text, 6, '0'),
        500 * (${bits('i.h', 2)} % 11), date '2026-01-01', date '2026-12-31'
      from ${sql.numbered('policy', plan.patients, 'i')}
      where ${bits('i.h', 3)} % 5 > 0`,
  )
}
